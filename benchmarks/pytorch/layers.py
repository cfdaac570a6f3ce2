"""Each layer alone in PyTorch: counterparts of the calls of `benchmarks.cpu.layers`."""

import torch
import torch._functorch.config
import torch.nn.functional as F

from benchmarks.cpu.layers import numbers
from benchmarks.pytorch.nets import module_of


def their_call(node, direction: str, cases: int, channels_last: bool, compiled: bool):
    """A function without arguments that does the work of `our_call`.

    channels_last: the memory format of images.  compiled: through torch.compile.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    maker = _MAKERS.get(node.layer.type_name, _elementwise)
    return maker(node, direction, cases, layout, compiled)


def _tensor(shape, cases, layout=torch.contiguous_format):
    values = torch.from_numpy(numbers(cases, *shape))
    is_image = values.ndim == 4 and values.shape[2] > 1
    return values.contiguous(memory_format=layout) if is_image else values


def _conv(node, direction, cases, layout, _compiled):
    layer, module = node.layer, module_of(node).to(memory_format=layout)
    channels, side, _ = node.inputs[0].shape
    side = max(side, (layer.modules - 1) * layer.stride[0] + layer.filter_size[0]
               - 2 * layer.padding[0])  # fmt: skip
    x, w = _tensor((channels, side, side), cases, layout), module.weight.detach()
    if direction == "forward":
        return _without_gradients(lambda: module(x))
    dy = _tensor(node.shape, cases, layout)
    mask = [direction == "images", direction == "weights", False]
    geometry = module.stride, module.padding, module.dilation, False, [0, 0], layer.groups[0]
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(dy, x, w, None, *geometry, mask)


def _fc(node, direction, cases, _layout, _compiled):
    module = module_of(node)
    x, dy = _tensor((node.layer.input_sizes[0],), cases), _tensor((node.layer.outputs,), cases)
    w = module.weight.detach()
    if direction == "update":
        module.weight.grad = torch.zeros_like(w)
        optimizer = torch.optim.SGD([module.weight], 1e-4, 0.9, weight_decay=1e-3, fused=True)
        return optimizer.step
    calls = {"forward": lambda: module(x), "inputs": lambda: dy @ w, "weights": lambda: dy.T @ x}
    return _without_gradients(calls[direction])


def _softmax(node, direction, cases, _layout, compiled):
    x = _tensor((node.shape.size,), cases).requires_grad_()
    labels = torch.zeros(cases, dtype=torch.long)
    return _either(lambda: F.cross_entropy(x, labels), x, direction, compiled)


def _elementwise(node, direction, cases, layout, compiled):
    x = _tensor(node.inputs[0].shape, cases, layout).requires_grad_()
    module = module_of(node)
    if node.layer.type_name == "neuron":
        if direction == "forward":
            return _without_gradients(lambda: module(x))  # in place
        module = torch.nn.ReLU()
    return _either(lambda: module(x), x, direction, compiled)


def _either(function, x, direction, compiled):
    """Forward as in training, or backward through what a forward run left."""
    if compiled:
        torch._functorch.config.donated_buffer = False  # the graph is run through several times
        function = torch.compile(function)
    if direction == "forward":
        return function
    y = function()
    dy = torch.ones_like(y)
    return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)


def _without_gradients(function):
    def call():
        with torch.no_grad():
            return function()

    return call


_MAKERS = {"conv": _conv, "fc": _fc, "softmax": _softmax}
