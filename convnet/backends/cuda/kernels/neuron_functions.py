"""Neurons and their derivatives (docs/dialect.md, 4), as device functions in float32.

A function takes (x, a, b), a derivative (x, y, a, b) with y = f(x); a and b are the neuron's
parameters, and each reads what it needs.
"""

import math
from typing import NamedTuple

import numpy as np

from convnet.backends.cuda.jit import device_function

_ZERO, _ONE = np.float32(0), np.float32(1)


class Neuron(NamedTuple):
    """A neuron: a key of FUNCTIONS, and its parameters."""

    kind: str
    a: float
    b: float


def _ident(x, a, b):
    return x


def _relu(x, a, b):
    return _ZERO if x <= _ZERO else x  # a NaN stays


def _brelu(x, a, b):
    v = _ZERO if x <= _ZERO else x
    return a if v >= a else v


def _abs(x, a, b):
    return abs(x)


def _square(x, a, b):
    return x * x


def _sqrt(x, a, b):
    return np.float32(math.sqrt(x)) if x >= _ZERO else np.float32(math.nan)


def _linear(x, a, b):
    return a * x + b


def _drelu(x, a, b):
    return np.float32(x - a * math.tanh(x * (_ONE / a)))


def _softrelu(x, a, b):
    return x if x > np.float32(4) else np.float32(math.log1p(math.exp(x)))


def _logistic(x, a, b):
    e = np.float32(math.exp(-abs(x)))  # no exponential of a large number
    return (_ONE if x >= _ZERO else e) / (_ONE + e)


def _tanh(x, a, b):
    return a * np.float32(math.tanh(b * x))


def _log(x, a, b):
    return np.float32(math.log(a + x)) if a + x > _ZERO else np.float32(math.nan)


def _ident_derivative(x, y, a, b):
    return _ONE


def _relu_derivative(x, y, a, b):
    return _ONE if y > _ZERO else _ZERO


def _brelu_derivative(x, y, a, b):
    return _ONE if y > _ZERO and y < a else _ZERO


def _abs_derivative(x, y, a, b):
    return _ONE if x > _ZERO else -_ONE


def _square_derivative(x, y, a, b):
    return x + x


def _sqrt_derivative(x, y, a, b):
    return _ONE / (y + y)


def _linear_derivative(x, y, a, b):
    return a


def _drelu_derivative(x, y, a, b):
    t = np.float32(math.tanh(x * (_ONE / a)))
    return t * t


def _softrelu_derivative(x, y, a, b):
    return _ONE if y > np.float32(4) else -np.float32(math.expm1(-y))


def _logistic_derivative(x, y, a, b):
    return y * (_ONE - y)


def _tanh_derivative(x, y, a, b):
    return b * (a - y * y * (_ONE / a))


def _log_derivative(x, y, a, b):
    return _ONE / (a + x)


_PAIRS = {
    "ident": (_ident, _ident_derivative),
    "relu": (_relu, _relu_derivative),
    "brelu": (_brelu, _brelu_derivative),
    "drelu": (_drelu, _drelu_derivative),
    "softrelu": (_softrelu, _softrelu_derivative),
    "logistic": (_logistic, _logistic_derivative),
    "tanh": (_tanh, _tanh_derivative),
    "abs": (_abs, _abs_derivative),
    "square": (_square, _square_derivative),
    "sqrt": (_sqrt, _sqrt_derivative),
    "linear": (_linear, _linear_derivative),
    "log": (_log, _log_derivative),
}
FUNCTIONS = {kind: device_function(function) for kind, (function, _) in _PAIRS.items()}
DERIVATIVES = {kind: device_function(derivative) for kind, (_, derivative) in _PAIRS.items()}
DERIVATIVES["nrelu"] = DERIVATIVES["relu"]  # the noise does not change it
