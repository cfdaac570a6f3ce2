"""The CPU neurons, kind by kind, in place and not."""

import math

import numpy as np
import pytest

from convnet.backends.cpu.jit import BLOCK
from convnet.backends.cpu.ops import neuron
from tests.support.kernel_checks import (
    all_cases,
    as_type,
    both_types,
    check_derivative,
    check_gradient,
    close,
    nan,
    normal,
)

NEURONS = {  # kind: (a, b, function, derivative from x)
    "ident": (0, 0, lambda x: x, lambda x: 1),
    "relu": (0, 0, lambda x: max(0, x), lambda x: x > 0),
    "brelu": (0.8, 0, lambda x: min(0.8, max(0, x)), lambda x: 0 < x < 0.8),
    "drelu": (1.3, 0, lambda x: x - 1.3 * math.tanh(x / 1.3), lambda x: math.tanh(x / 1.3) ** 2),
    "softrelu": (
        0,
        0,
        lambda x: x if x > 4 else math.log(1 + math.exp(x)),
        lambda x: 1 if math.log(1 + math.exp(x)) > 4 else 1 / (1 + math.exp(-x)),
    ),
    "logistic": (
        0,
        0,
        lambda x: 1 / (1 + math.exp(-x)),
        lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2,
    ),
    "tanh": (
        1.79,
        -0.66,
        lambda x: 1.79 * math.tanh(-0.66 * x),
        lambda x: -0.66 * 1.79 * (1 - math.tanh(-0.66 * x) ** 2),
    ),
    "abs": (0, 0, abs, lambda x: 1 if x > 0 else -1),
    "square": (0, 0, lambda x: x * x, lambda x: 2 * x),
    "sqrt": (0, 0, math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "linear": (3, 2.2, lambda x: 3 * x + 2.2, lambda x: 3),
    "log": (0.7, 0, lambda x: math.log(0.7 + x), lambda x: 1 / (0.7 + x)),
}
KINDS_THAT_READ_X = {"drelu", "abs", "square", "log"}


def neuron_inputs(kind, rows, cases):
    x = 2 * normal(7, (rows, cases))
    if kind in ("sqrt", "log"):
        return np.abs(x) + 0.125
    x[0, 0] = 0  # the kink of relu and abs
    x[-1, -1] = 4.5 if kind == "softrelu" else x[-1, -1]
    return x


@both_types
@all_cases
@pytest.mark.parametrize("kind", NEURONS)
def test_neuron(real, cases, kind):
    a, b, function, derivative = NEURONS[kind]
    x, dy = neuron_inputs(kind, 11, cases), normal(8, (11, cases))
    expected = np.vectorize(function, otypes=[float])(x)
    x_, dy_, y = as_type(real, x, dy, nan(x))
    neuron.forward(x_, y, kind, a, b)
    close(y, expected)
    in_place = x_.copy()
    neuron.forward(in_place, in_place, kind, a, b)
    np.testing.assert_array_equal(in_place, y)

    seen = x_ if kind in KINDS_THAT_READ_X else y
    gradient = np.vectorize(derivative, otypes=[float])(x) * dy
    if kind == "softrelu":
        gradient[y > 4] = dy[y > 4]
    check_gradient(
        lambda dx, add: neuron.backward(seen, y, dy_, dx, kind, a, b, add), gradient, real
    )
    out = np.full(x.shape, np.nan, real)
    neuron.backward(seen, y, dy_, out, kind, a, b, False)
    neuron.backward(seen, y, dy_, dy_, kind, a, b, False)
    np.testing.assert_array_equal(dy_, out)


def test_neuron_of_many_blocks():
    x = normal(7, (3, BLOCK))[:, :-5]
    x = np.ascontiguousarray(x)
    y, dx = nan(x), nan(x)
    neuron.forward(x, y, "relu", 0, 0)
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    neuron.backward(x, y, x, dx, "relu", 0, 0, False)
    np.testing.assert_array_equal(dx, y)


@pytest.mark.parametrize("kind", NEURONS)
def test_neuron_derivative(kind):
    a, b, *_ = NEURONS[kind]
    x = np.array([0.3, 0.55, 1.2, 2.1, 3.7]).reshape(5, 1)
    x = x if kind in ("sqrt", "log") else np.concatenate([x, -x])
    y, dy, dx = np.empty_like(x), normal(8, x.shape), np.empty_like(x)

    def function(x):
        neuron.forward(x, y, kind, a, b)
        return y.copy()

    function(x)
    neuron.backward(x, y, dy, dx, kind, a, b, False)
    check_derivative(function, dx, x, dy)


@pytest.mark.parametrize("kind", ["relu", "brelu", "logistic", "softrelu"])
def test_neuron_keeps_a_nan(kind):
    x = np.full((1, 9), np.nan, np.float32)
    y = np.zeros_like(x)
    neuron.forward(x, y, kind, 1, 0)
    assert np.isnan(y).all()
