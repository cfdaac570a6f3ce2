"""Each layer alone: the calls that are timed, ours and PyTorch's, on arrays of the same shapes.

A call is known by a layer's name and a direction: "conv2 forward", "fc6 weights".
"""

from math import prod

import numpy as np
from numba import get_num_threads

from convnet.backends.cpu.engine import (
    SMALL_STEP,
    Bound,
    Program,
    aligned,
    limit_threads,
    operation,
)
from convnet.compiling.building import compiled
from convnet.compiling.replay import bind

DIRECTIONS = {
    "conv": ("forward", "images", "weights"),
    "cmrnorm": ("forward", "backward"),
    "pool": ("forward", "backward"),
    "fc": ("forward", "inputs", "weights", "update"),
    "neuron": ("forward", "backward"),
    "dropout2": ("forward", "backward"),
    "softmax": ("forward", "backward"),
}
COMPILED = ("cmrnorm", "pool", "neuron", "dropout2", "softmax")  # where torch.compile has a say


def calls_of(graph) -> dict[str, tuple]:
    """(node, direction) by name, of all layers between the data and the cost."""
    return {
        f"{node.name} {direction}": (node, direction)
        for node in graph.nodes
        for direction in DIRECTIONS.get(node.layer.type_name, ())
    }


def flops_of(node, direction: str, cases: int) -> int:
    """Return the floating point operations of a call, 0 where it is no product of matrices."""
    is_product = node.layer.type_name in ("conv", "fc") and direction != "update"
    return 2 * cases * node.layer.multiply_adds() if is_product else 0


def numbers(*shape: int) -> np.ndarray:
    """Normal numbers, float32: a short row of them repeated."""
    row = np.random.default_rng(0).standard_normal(4099, np.float32)
    array = aligned(prod(shape), np.dtype(np.float32))
    array[:] = np.resize(row, array.size)
    return array.reshape(shape)


def our_call(node, direction: str, cases: int):
    """A function without arguments that does the work of our engine."""
    return _OURS[node.layer.type_name](node, direction, cases)


def bound(name, *arguments):
    """A function without arguments that runs an operation as a program of the engine does."""
    function, options = operation(name), {}
    if function.scratch_size is not None:
        size = function.scratch_size(*arguments)
        options["scratch"] = aligned(size, np.dtype(np.uint8))
    size = sum(a.nbytes for a in arguments if isinstance(a, np.ndarray))
    threads = 1 if size < SMALL_STEP else get_num_threads()
    with limit_threads(threads):
        calls = compiled(bind(function, *arguments, **options))
    return Program([Bound(None, threads, calls)]).run


def _shapes(node, cases):
    return (*node.inputs[0].shape, cases), (*node.shape, cases)


def _our_conv(node, direction, cases):
    layer = node.layer
    x, y = (numbers(*shape) for shape in _shapes(node, cases))
    w, geometry = numbers(*layer.weights()[0].shape), (*layer.geometry(0), False)
    if direction == "forward":
        biases = numbers(layer.total)
        return bound("conv.forward_fused", x, w, y, *geometry, biases, "ident", 0.0, 0.0)
    if direction == "images":
        return bound("conv.images_grad", y, w, x, *geometry)
    return bound("conv.weights_grad", x, y, w, *geometry)


def _our_fc(node, direction, cases):
    layer = node.layer
    x, y = numbers(layer.input_sizes[0], cases), numbers(layer.outputs, cases)
    w = numbers(layer.outputs, layer.input_sizes[0])
    if direction == "forward":
        biases = numbers(layer.outputs)
        return bound("fc.forward_fused", x, w, y, False, biases, "ident", 0.0, 0.0)
    if direction == "inputs":
        return bound("fc.inputs_grad", y, w, x, False)
    if direction == "weights":
        return bound("fc.weights_grad", x, y, w, False)
    hyper = np.array([0.9, 1e-4, 1e-6])
    return bound("update.sgd", w, numbers(*w.shape), np.zeros_like(w), hyper)


def _our_norm(node, direction, cases):
    layer = node.layer
    x, y, denom = (numbers(*node.shape, cases) for _ in range(3))
    window = layer.size, layer.effective_scale, layer.pow, layer.k, False
    forward = bound("cmrnorm.forward", x, y, denom, *window)
    if direction == "forward":
        return forward
    forward()
    dy, dx = numbers(*node.shape, cases), numbers(*node.shape, cases)
    return bound("cmrnorm.backward", x, y, dy, denom, dx, *window, False)


def _our_pool(node, direction, cases):
    x, y = (numbers(*shape) for shape in _shapes(node, cases))
    forward = bound("pool.forward", x, y, *node.layer.window())
    if direction == "forward":
        return forward
    forward()
    dy, dx = numbers(*y.shape), numbers(*x.shape)
    return bound("pool.backward", x, y, dy, dx, *node.layer.window(), False)


def _our_neuron(node, direction, cases):
    y, kind = numbers(node.shape.size, cases), node.layer.nonlinearity.kind
    if direction == "forward":
        return bound("neuron.forward", y, y, kind, 0.0, 0.0)
    dy = numbers(*y.shape)
    return bound("neuron.backward", y, y, dy, dy, kind, 0.0, 0.0, False)


def _our_dropout(node, direction, cases):
    x, y = (numbers(node.shape.size, cases) for _ in range(2))
    mask = np.ones(x.shape, np.uint8)
    if direction == "forward":
        random = np.array([1, 0, 2, 3, 0, 0], np.uint32)
        return bound("dropout.forward", x, y, mask, node.layer.keep, 1.0, random)
    return bound("dropout.backward", y, mask, x, 1.0, False)


def _our_softmax(node, direction, cases):
    """With the cost above it."""
    x, y = (numbers(node.shape.size, cases) for _ in range(2))
    labels, values = np.zeros((1, cases), np.float32), np.zeros(3)
    softmax = bound("softmax.forward", x, y)
    if direction == "backward":
        softmax()
        return bound("cost_logreg.backward", labels, y, x, 1.0, True, False)
    cost = bound("cost_logreg.forward", labels, y, values, 1)
    return lambda: (softmax(), cost())


_OURS = {
    "conv": _our_conv,
    "cmrnorm": _our_norm,
    "pool": _our_pool,
    "fc": _our_fc,
    "neuron": _our_neuron,
    "dropout2": _our_dropout,
    "softmax": _our_softmax,
}
