"""Each elementwise function alone, on arrays of two sizes: what is timed of ours.

A call is known by the function, the direction and the size: "tanh backward, large".  Functions are
in place where they are so in a training step.  `benchmarks.pytorch.elementwise` has PyTorch's
counterparts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.cpu.layers import bound, numbers


class Size(NamedTuple):
    """Images (channels, pixels, cases), and the classes of a softmax."""

    channels: int
    pixels: int
    cases: int
    classes: int

    @property
    def values(self) -> int:
        return self.channels * self.pixels * self.cases


SIZES = {
    "large": Size(96, 55 * 55, 128, 1000),  # AlexNet's conv1: 149 MB
    "middle": Size(384, 13 * 13, 128, 1000),  # conv3: 33 MB
    "small": Size(64, 6 * 6, 128, 10),  # the last convolution of cifar10: 1.2 MB
}
NEURONS = {  # the parameters a and b
    "relu": (0.0, 0.0),
    "softrelu": (0.0, 0.0),
    "tanh": (1.0, 1.0),
    "logistic": (0.0, 0.0),
    "abs": (0.0, 0.0),
    "square": (0.0, 0.0),
    "sqrt": (0.0, 0.0),
    "linear": (0.5, 1.0),
}
READ_LATER = ("abs", "square")  # their derivatives need the input, so that they are not in place
COMPILED = ("softrelu", "linear", "noise", "dropout", "softmax")  # of PyTorch's, torch.compile too


def calls() -> list[str]:
    """The names of all calls."""
    pairs = ("dropout", "bias", "eltmax", "softmax", *NEURONS)
    names = [f"{name} {way}" for name in pairs for way in ("forward", "backward")]
    names += ["noise forward", "eltsum forward", "update"]
    return [f"{name}, {size}" for name in sorted(names) for size in SIZES]


def parsed(call: str) -> tuple[str, str, Size]:
    """Function, direction and size of a call."""
    name, size = call.split(", ")
    function, _, direction = name.partition(" ")
    return function, direction, SIZES[size]


def our_elementwise(call: str) -> Callable[[], None]:
    """A function without arguments that does the work of our engine."""
    function, direction, size = parsed(call)
    maker = _MAKERS.get(function)
    steps = maker(direction, size) if maker else _neuron(function, direction, size)

    def run():
        for step in steps:
            step()

    return run


def positive(count: int) -> np.ndarray:
    """As numbers, but none is negative: for roots."""
    found = numbers(count)
    return np.abs(found, out=found)


def _neuron(kind, direction, size):
    a, b = NEURONS[kind]
    x = positive(size.values) if kind == "sqrt" else numbers(size.values)
    y = numbers(size.values) if kind in READ_LATER else x
    if direction == "forward":
        return [bound("neuron.forward", x, y, kind, a, b)]
    dy = numbers(size.values)
    return [bound("neuron.backward", x, y, dy, dy, kind, a, b, False)]


def _noise(_, size):
    x = numbers(size.values)
    return [bound("neuron.noisy", x, x, _random())]


def _random():
    return np.array([1, 0, 2, 3, 0, 0], np.uint32)


def _dropout(direction, size):
    x, y, mask = numbers(size.values), numbers(size.values), np.ones(size.values, np.uint8)
    if direction == "forward":
        return [bound("dropout.forward", x, y, mask, 0.5, 1.0, _random())]
    return [bound("dropout.backward", x, mask, y, 1.0, False)]


def _bias(direction, size):
    y, b = numbers(size.channels, size.pixels * size.cases), numbers(size.channels)
    if direction == "forward":
        return [bound("bias.forward", b, y)]
    return [bound("bias.grad", y, b, False)]


def _sum(_, size):
    first, second, y = (numbers(size.values) for _ in range(3))
    return [bound("elementwise.weighted_sum", first, second, y, 1.0, 1.0)]


def _max(direction, size):
    first, second, y = (numbers(size.values) for _ in range(3))
    if direction == "forward":
        return [bound("eltmax.forward", first, second, y)]
    dy, others = numbers(size.values), [numbers(size.values) for _ in range(2)]
    pairs = zip((first, second), others, strict=True)
    return [bound("eltmax.backward", x, y, dy, dx, False) for x, dx in pairs]


def _softmax(direction, size):
    """With the cost above it and its errors."""
    x, y = (numbers(size.classes, size.cases) for _ in range(2))
    labels, values = np.zeros((1, size.cases), np.float32), np.zeros(3)
    softmax = bound("softmax.forward", x, y)
    if direction == "backward":
        softmax()
        return [bound("cost_logreg.backward", labels, y, x, 1.0, True, False)]
    return [softmax, bound("cost_logreg.forward", labels, y, values, 1)]


def _update(_, size):
    w, dw, v = numbers(size.values), numbers(size.values), np.zeros(size.values, np.float32)
    return [bound("update.sgd", w, dw, v, np.array([0.9, 1e-4, 1e-6]))]


_MAKERS = {
    "noise": _noise,
    "dropout": _dropout,
    "bias": _bias,
    "eltsum": _sum,
    "eltmax": _max,
    "softmax": _softmax,
    "update": _update,
}
