"""Each elementwise function alone in PyTorch: counterparts of `elementwise`.

Results go into arrays that exist, as ours do, wherever PyTorch has a way to say so.
"""

import torch
import torch._functorch.config
import torch.nn.functional as F
from torch import Tensor

from benchmarks.cpu.elementwise import READ_LATER, parsed, positive
from benchmarks.cpu.layers import numbers

aten = torch.ops.aten


def their_elementwise(call: str, compiled: bool):
    """A function without arguments that does the work of `our_elementwise`."""
    function, direction, size = parsed(call)
    maker = _MAKERS.get(function)
    made = maker(direction, size) if maker else _neuron(function, direction, size)
    if compiled:
        torch._functorch.config.donated_buffer = False  # the graph is run through several times
        made = torch.compile(made)
    return torch.no_grad()(made) if function not in _WITH_GRADIENTS else made


def _values(*shape: int) -> Tensor:
    return torch.from_numpy(numbers(*shape))


def _neuron(kind, direction, size):
    x = torch.from_numpy(positive(size.values) if kind == "sqrt" else numbers(size.values))
    y = _values(size.values) if kind in READ_LATER else x
    if direction == "forward":
        return lambda: _FORWARD[kind](x, y)
    dy = _values(size.values)
    return lambda: _BACKWARD[kind](x, y, dy)


_FORWARD = {
    "relu": lambda x, y: torch.relu_(x),
    "softrelu": lambda x, y: aten.softplus.out(x, 1, 4, out=y),
    "tanh": lambda x, y: torch.tanh_(x),
    "logistic": lambda x, y: torch.sigmoid_(x),
    "abs": lambda x, y: torch.abs(x, out=y),
    "square": lambda x, y: torch.square(x, out=y),
    "sqrt": lambda x, y: torch.sqrt_(x),
    "linear": lambda x, y: x.mul_(0.5).add_(1.0),
}
_BACKWARD = {
    "relu": lambda x, y, dy: aten.threshold_backward.grad_input(dy, y, 0, grad_input=dy),
    "softrelu": lambda x, y, dy: aten.softplus_backward.grad_input(dy, y, 1, 4, grad_input=dy),
    "tanh": lambda x, y, dy: aten.tanh_backward.grad_input(dy, y, grad_input=dy),
    "logistic": lambda x, y, dy: aten.sigmoid_backward.grad_input(dy, y, grad_input=dy),
    "abs": lambda x, y, dy: dy.mul_(x.sgn()),
    "square": lambda x, y, dy: dy.mul_(x).mul_(2.0),
    "sqrt": lambda x, y, dy: dy.div_(y).mul_(0.5),
    "linear": lambda x, y, dy: dy.mul_(0.5),
}


def _noise(_, size):
    x = _values(size.values)

    def call():
        r = x.relu_()
        return r.add_(r.sqrt() * torch.randn_like(r)).relu_()

    return call


def _dropout(direction, size):
    x, y = _values(size.values), _values(size.values)
    mask = torch.ones(size.values, dtype=torch.bool)
    if direction == "forward":
        return lambda: torch.native_dropout(x, 0.5, True)
    return lambda: torch.mul(x, mask, out=y)


def _bias(direction, size):
    y, b = _values(size.cases, size.channels, size.pixels), _values(size.channels, 1)
    if direction == "forward":
        return lambda: y.add_(b)
    out = torch.empty(size.channels)
    return lambda: torch.sum(y, (0, 2), out=out)


def _sum(_, size):
    first, second, y = (_values(size.values) for _ in range(3))
    return lambda: torch.add(first, second, out=y)


def _max(direction, size):
    first, second, y = (_values(size.values) for _ in range(3))
    if direction == "forward":
        return lambda: torch.maximum(first, second, out=y)
    first.requires_grad_()
    second.requires_grad_()
    found, dy = torch.maximum(first, second), _values(size.values)
    return lambda: torch.autograd.grad(found, (first, second), dy, retain_graph=True)


def _softmax(direction, size):
    x = _values(size.cases, size.classes).requires_grad_()
    labels = torch.zeros(size.cases, dtype=torch.long)
    if direction == "forward":
        return lambda: (F.cross_entropy(x, labels), x.argmax(1).ne(labels).sum())
    cost = F.cross_entropy(x, labels)
    return lambda: torch.autograd.grad(cost, x, retain_graph=True)


def _update(_, size):
    w = torch.nn.Parameter(_values(size.values))
    w.grad = _values(size.values)
    return torch.optim.SGD([w], 1e-4, 0.9, weight_decay=1e-3, fused=True).step


_WITH_GRADIENTS = ("eltmax", "softmax")
_MAKERS = {
    "noise": _noise,
    "dropout": _dropout,
    "bias": _bias,
    "eltsum": _sum,
    "eltmax": _max,
    "softmax": _softmax,
    "update": _update,
}
