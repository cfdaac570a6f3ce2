"""The noise of nrelu: normal numbers by Box-Muller, from counter-based random words.

The operation is `noisy` in ops/neuron.py.  All is computed in float64, so that all backends agree
to about the last bit of a float32, and without branches or calls, so that the compiler vectorizes
it.  A uniform number is k * 2**-24 for an integer k, from which logarithm and angle are taken.
"""

import math

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import BLOCK, called, inlined, parallel
from convnet.backends.cpu.kernels.philox import words
from convnet.backends.cpu.kernels.selection import larger, select
from convnet.backends.cpu.microkernel import address

_UNUSED_BITS = np.uint64(8)
_LN2 = math.log(2)
_MANTISSA = np.int64(52)
_HALF_ROOT = np.float64(math.sqrt(0.5)).view(np.int64)
_QUARTER, _EIGHTH = np.int64(22), np.int64(1 << 21)  # of a turn of 2**24
_ANGLE = 2 * math.pi / 2**24


@inlined
def _log_of_uniform(k):
    """log(k * 2**-24), by the series of `logarithms`, with terms to s**17."""
    bits = np.float64(k).view(np.int64)
    exponent = (bits - _HALF_ROOT) >> _MANTISSA
    m = np.int64(bits - (exponent << _MANTISSA)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    r = 1 / 9 + z * (1 / 11 + z * (1 / 13 + z * (1 / 15 + z * (1 / 17))))
    r = 1 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * r)))
    return (exponent - 24) * _LN2 + 2 * s * r


@inlined
def _cosine_and_sine(k):
    """Those of 2 pi k * 2**-24: of the angle to the nearest quarter turn, then rotated."""
    quarter = (k + _EIGHTH) >> _QUARTER
    a = (k - (quarter << _QUARTER)) * _ANGLE
    z = a * a
    c = 1 / 40320 + z * (-1 / 3628800 + z * (1 / 479001600))
    c = 1 + z * (-1 / 2 + z * (1 / 24 + z * (-1 / 720 + z * c)))
    s = 1 / 362880 + z * (-1 / 39916800 + z * (1 / 6227020800))
    s = a * (1 + z * (-1 / 6 + z * (1 / 120 + z * (-1 / 5040 + z * s))))
    is_odd = (quarter & 1) != 0
    cosine, sine = select(is_odd, s, c), select(is_odd, c, s)
    cosine = select(((quarter + 1) & 2) != 0, -cosine, cosine)
    return cosine, select((quarter & 2) != 0, -sine, sine)


@inlined
def _normal_pair(first, second):
    """Two normal numbers from two words."""
    k1, k2 = np.int64(first >> _UNUSED_BITS) + 1, np.int64(second >> _UNUSED_BITS) + 1
    radius = np.sqrt(-2 * _log_of_uniform(k1))
    cosine, sine = _cosine_and_sine(k2)
    return radius * cosine, radius * sine


@inlined
def _add_noise(x, y, n, normal):
    """y[n] = relu(r + sqrt(r) * normal), where r = relu(x[n])."""
    zero = x.dtype.type(0)
    r = larger(x[n], zero)
    y[n] = larger(r + np.sqrt(r) * x.dtype.type(normal), zero)


@inlined
def _noisy_block(x, y, group, random):
    for g in range(y.size // 4):
        r0, r1, r2, r3 = words(group + g, random)
        n0, n1 = _normal_pair(r0, r1)
        n2, n3 = _normal_pair(r2, r3)
        _add_noise(x, y, 4 * g, n0)
        _add_noise(x, y, 4 * g + 1, n1)
        _add_noise(x, y, 4 * g + 2, n2)
        _add_noise(x, y, 4 * g + 3, n3)
    rest = y.size % 4
    if rest:
        r0, r1, r2, r3 = words(group + y.size // 4, random)
        normals = _normal_pair(r0, r1) + _normal_pair(r2, r3)
        for lane in range(rest):
            _add_noise(x, y, y.size - rest + lane, normals[lane])


@called
def _in_place(y, group, random):
    """The compiler vectorizes this only where it sees a single array."""
    _noisy_block(y, y, group, random)


@called
def _apart(x, y, group, random):
    _noisy_block(x, y, group, random)


@parallel
def noisy_kernel(x, y, random):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        if address(x) == address(y):
            _in_place(y[lo:hi], lo // 4, random)
        else:
            _apart(x[lo:hi], y[lo:hi], lo // 4, random)
