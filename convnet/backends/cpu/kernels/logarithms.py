"""log and log(1 + exp) of float32, in a form that the compiler vectorizes.

The math library's functions take one number at a time; they are used for float64 only.

log(x) = k ln 2 + log(m), where m = x / 2**k lies between sqrt(1/2) and sqrt(2).  With
s = (m - 1) / (m + 1), log(m) = 2 (s + s**3/3 + s**5/5 + s**7/7 + s**9/9); |s| is at most 0.172, and
the omitted terms are below 2**-27 of the sum.
"""

import math

import numpy as np

from convnet.backends.cpu.jit import inlined
from convnet.backends.cpu.kernels.exponentials import exp32

_LN2_HIGH = np.float32(math.floor(math.log(2) * 512) / 512)  # k * _LN2_HIGH is exact
_LN2_LOW = np.float32(math.log(2) - float(_LN2_HIGH))
_ONE, _TWO, _ZERO = np.float32(1), np.float32(2), np.float32(0)
_S3, _S5, _S7, _S9 = (np.float32(2 / k) for k in (3, 5, 7, 9))
_HALF_ROOT = np.float32(math.sqrt(0.5)).view(np.int32)  # the bits of the smallest m
_MANTISSA = np.int32(23)
_TINY = np.finfo(np.float32).tiny  # numbers below have fewer bits
_UP, _UP_BITS = np.float32(2.0**24), np.int32(24)
_INFINITE, _NAN = np.float32(np.inf), np.float32(np.nan)


@inlined
def _log_normal(x, added):
    """log(x * 2**-added), for normal x."""
    bits = np.float32(x).view(np.int32)
    k = np.int32(np.int32(bits - _HALF_ROOT) >> _MANTISSA)
    m = np.int32(bits - np.int32(k << _MANTISSA)).view(np.float32)
    s = (m - _ONE) / (m + _ONE)
    z = s * s
    r = s * (_TWO + z * (_S3 + z * (_S5 + z * (_S7 + z * _S9))))
    n = np.float32(np.int32(k - added))
    return n * _LN2_HIGH + (n * _LN2_LOW + r)


@inlined
def _log(x):
    is_small = x < _TINY
    found = _log_normal(x * _UP if is_small else x, _UP_BITS if is_small else np.int32(0))
    found = -_INFINITE if x == _ZERO else found
    found = x if x == _INFINITE else found
    return found if x >= _ZERO else _NAN


@inlined
def _log1p(e):
    """log(1 + e) for finite e >= 0, without loss for small ones."""
    w = _ONE + e
    lost = e - (w - _ONE)  # what rounding w took away
    return _log_normal(w, np.int32(0)) + lost / w


@inlined
def log(x, item):
    """log(x); item: bytes of x's type."""
    return _log(np.float32(x)) if item == 4 else math.log(x)


@inlined
def softplus32(x):
    """log(1 + exp(x)) of a float32, for x <= 88."""
    return _log1p(exp32(np.float32(x)))
