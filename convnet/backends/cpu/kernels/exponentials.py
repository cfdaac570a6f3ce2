"""exp, exp - 1 and tanh of float32, in a form that the compiler vectorizes.

The math library's functions take one number at a time; they are used for float64 only.

exp(x) = 2**n (1 + q), where n is the integer nearest to x / ln 2, and q is the Taylor polynomial of
exp(r) - 1 of degree 7, for r = x - n ln 2.  For |r| <= ln(2) / 2 the omitted terms are below
2**-27.  q is kept separate from the 1, so that tanh is accurate near zero.
"""

import math

import numpy as np

from convnet.backends.cpu.jit import inlined

_LOG2E = np.float32(1 / math.log(2))
_LN2_HIGH = np.float32(
    math.floor(math.log(2) * 512) / 512
)  # so few bits that n * _LN2_HIGH is exact
_LN2_LOW = np.float32(math.log(2) - float(_LN2_HIGH))
_WHOLE = np.float32(1.5 * 2**23)  # added to a number, it rounds it to an integer in the lowest bits
_ONE, _TWO, _ZERO = np.float32(1), np.float32(2), np.float32(0)
_C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(1 / math.factorial(k)) for k in range(2, 8))
_LEAST, _MOST = np.float32(-87.3), np.float32(88.3)  # the range in which exp is a normal number
_FLAT = np.float32(9.1)  # above this tanh rounds to 1
_BIAS, _MANTISSA = np.int32(127), np.int32(23)


@inlined
def _split(x):
    """2**n and q, for x from _LEAST to _MOST; q is NaN for a NaN."""
    shifted = np.float32(x * _LOG2E + _WHOLE)
    n = shifted - _WHOLE
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    high = _C4 + r * (_C5 + r * (_C6 + r * _C7))
    q = r * (_ONE + r * (_C2 + r * (_C3 + r * high)))
    power = np.int32((shifted.view(np.int32) + _BIAS) << _MANTISSA).view(np.float32)
    return power, q


@inlined
def exp32(x):
    """exp(x) of a float32: 0 below -87.3, infinite above 88.3."""
    low = _LEAST if x < _LEAST else x
    power, q = _split(_MOST if low > _MOST else low)
    e = power + power * q
    e = _ZERO if x < _LEAST else e
    return np.float32(np.inf) if x > _MOST else e


@inlined
def _tanh(x):
    low = -_FLAT if x < -_FLAT else x
    power, q = _split(_TWO * (_FLAT if low > _FLAT else low))
    e = power * q + (power - _ONE)  # exp(2x) - 1
    return e / (e + _TWO)


@inlined
def _expm1(x):
    power, q = _split(_LEAST if x < _LEAST else x)
    return power * q + (power - _ONE)


@inlined
def exp(x, item):
    """exp(x); item: bytes of x's type."""
    return exp32(np.float32(x)) if item == 4 else math.exp(x)


@inlined
def tanh(x, item):
    """tanh(x); item: bytes of x's type."""
    return _tanh(np.float32(x)) if item == 4 else math.tanh(x)


@inlined
def expm1(x, item):
    """exp(x) - 1, for x <= 88; item: bytes of x's type."""
    return _expm1(np.float32(x)) if item == 4 else math.expm1(x)
