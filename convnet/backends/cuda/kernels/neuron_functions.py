"""The functions of neurons and their slopes (dialect, 4), as pieces of kernels, in float32."""

import math

import numpy as np

from convnet.backends.cuda.jit import inlined

_ZERO, _ONE = np.float32(0), np.float32(1)


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


def _ident_slope(x, y, a, b):
    return _ONE


def _relu_slope(x, y, a, b):
    return _ONE if y > _ZERO else _ZERO


def _brelu_slope(x, y, a, b):
    return _ONE if y > _ZERO and y < a else _ZERO


def _abs_slope(x, y, a, b):
    return _ONE if x > _ZERO else -_ONE


def _square_slope(x, y, a, b):
    return x + x


def _sqrt_slope(x, y, a, b):
    return _ONE / (y + y)


def _linear_slope(x, y, a, b):
    return a


def _drelu_slope(x, y, a, b):
    t = np.float32(math.tanh(x * (_ONE / a)))
    return t * t


def _softrelu_slope(x, y, a, b):
    return _ONE if y > np.float32(4) else -np.float32(math.expm1(-y))


def _logistic_slope(x, y, a, b):
    return y * (_ONE - y)


def _tanh_slope(x, y, a, b):
    return b * (a - y * y * (_ONE / a))


def _log_slope(x, y, a, b):
    return _ONE / (a + x)


_PAIRS = {
    "ident": (_ident, _ident_slope),
    "relu": (_relu, _relu_slope),
    "brelu": (_brelu, _brelu_slope),
    "drelu": (_drelu, _drelu_slope),
    "softrelu": (_softrelu, _softrelu_slope),
    "logistic": (_logistic, _logistic_slope),
    "tanh": (_tanh, _tanh_slope),
    "abs": (_abs, _abs_slope),
    "square": (_square, _square_slope),
    "sqrt": (_sqrt, _sqrt_slope),
    "linear": (_linear, _linear_slope),
    "log": (_log, _log_slope),
}
FUNCTIONS = {kind: inlined(function) for kind, (function, _) in _PAIRS.items()}
SLOPES = {kind: inlined(slope) for kind, (_, slope) in _PAIRS.items()}
SLOPES["nrelu"] = SLOPES["relu"]  # the noise does not change the slope
