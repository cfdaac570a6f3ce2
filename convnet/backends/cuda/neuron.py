"""Neurons (dialect, 4), applied to flat arrays of activities; functions and slopes as on the CPU.

A kernel is made for each kind, so that none carries the registers of another.
"""

import math

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from . import bias
from .compiling import inlined, kernel
from .launch import over
from .philox import words

_ZERO, _ONE = np.float32(0), np.float32(1)
_UNUSED_BITS = np.uint64(8)


@operation(writes="y")
def forward(x, y, kind, a, b):
    """y = f(x).  x, y: (rows, N), may be one array; a and b: the neuron's parameters or 0."""
    return [over(_FORWARD[kind], x.size, x, y, float(a), float(b), x.size)]


@operation(writes="dx")
def backward(x, y, dy, dx, kind, a, b, accumulate):
    """dx (+)= f'(x) * dy.  dx may be dy, unless accumulating.

    Only drelu, abs, square and log read x; every other kind works from y.
    """
    numbers = float(a), float(b), x.size, accumulate
    return [over(_BACKWARD[kind], x.size, x, y, dy, dx, *numbers)]


@operation(writes="dx db", scratch=lambda *args: bias.grad.scratch_size(args[3], *args[7:]))
def backward_fused(x, y, dy, dx, kind, a, b, db, db_adds, *, scratch):
    """dx = f'(x) * dy as `backward`, and db[r] (+)= the sum of dx[r, :] as `bias.grad`."""
    work = backward(x, y, dy, dx, kind, a, b, False)
    return [*work, *bias.grad(dx, db, db_adds, scratch=scratch)]


@operation(writes="y")
def noisy(x, y, random):
    """nrelu: y = max(0, r + sqrt(r)*noise), r = max(0, x), noise normal of variance 1.

    x, y: (rows, N), may be one array.  The noise is made as on the CPU: each pair of words of a
    Philox group gives (u1, u2), u = ((word >> 8) + 1) * 2**-24, and sqrt(-2 log u1) * (cos, sin)
    (2 pi u2) for two elements in turn.
    """
    return [over(_noisy, -(-x.size // 4), x, y, random, x.size)]


def _forward_kernel(function):
    f = inlined(function)

    def neuron_forward(x, y, a, b, count):
        for e in range(cuda.grid(1), count, cuda.gridsize(1)):
            y[e] = f(x[e], a, b)

    return _named(neuron_forward, function)


def _backward_kernel(function):
    slope = inlined(function)

    def neuron_backward(x, y, dy, dx, a, b, count, accumulate):
        for e in range(cuda.grid(1), count, cuda.gridsize(1)):
            g = slope(x[e], y[e], a, b) * dy[e]
            dx[e] = dx[e] + g if accumulate else g

    return _named(neuron_backward, function)


def _named(made, function):
    made.__qualname__ = f"{made.__name__}{function.__name__}"
    return kernel(made)


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
    return np.float32(x - a * math.tanh(x / a))


def _softrelu(x, a, b):
    return x if x > np.float32(4) else np.float32(math.log1p(math.exp(x)))


def _logistic(x, a, b):
    if x < _ZERO:  # no exponential of a large number
        e = np.float32(math.exp(x))
        return e / (_ONE + e)
    return _ONE / (_ONE + np.float32(math.exp(-x)))


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
    t = np.float32(math.tanh(x / a))
    return t * t


def _softrelu_slope(x, y, a, b):
    return _ONE if y > np.float32(4) else -np.float32(math.expm1(-y))


def _logistic_slope(x, y, a, b):
    return y * (_ONE - y)


def _tanh_slope(x, y, a, b):
    return b * (a - y * y / a)


def _log_slope(x, y, a, b):
    return _ONE / (a + x)


_FUNCTIONS = {
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
_FORWARD = {kind: _forward_kernel(function) for kind, (function, _) in _FUNCTIONS.items()}
_BACKWARD = {kind: _backward_kernel(slope) for kind, (_, slope) in _FUNCTIONS.items()}
_BACKWARD["nrelu"] = _BACKWARD["relu"]  # the noise does not change the slope


@inlined
def _uniform(word):
    return np.float32((word >> _UNUSED_BITS) + np.uint64(1)) * np.float32(2.0**-24)


@inlined
def _put_noisy(x, y, e, count, noise):
    if e < count:
        r = _ZERO if x[e] <= _ZERO else x[e]
        v = r + np.float32(math.sqrt(r)) * noise
        y[e] = _ZERO if v <= _ZERO else v


@kernel
def _noisy(x, y, random, count):
    turn = np.float32(2 * math.pi)
    for group in range(cuda.grid(1), (count + 3) // 4, cuda.gridsize(1)):
        w0, w1, w2, w3 = words(group, random)
        radius = np.float32(math.sqrt(np.float32(-2) * np.float32(math.log(_uniform(w0)))))
        angle = turn * _uniform(w1)
        _put_noisy(x, y, 4 * group, count, radius * np.float32(math.cos(angle)))
        _put_noisy(x, y, 4 * group + 1, count, radius * np.float32(math.sin(angle)))
        radius = np.float32(math.sqrt(np.float32(-2) * np.float32(math.log(_uniform(w2)))))
        angle = turn * _uniform(w3)
        _put_noisy(x, y, 4 * group + 2, count, radius * np.float32(math.cos(angle)))
        _put_noisy(x, y, 4 * group + 3, count, radius * np.float32(math.sin(angle)))
