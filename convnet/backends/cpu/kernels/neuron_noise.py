"""The noise of nrelu: normal numbers by Box-Muller, from counter-based random words.

The operation is `noisy` in ops/neuron.py.
"""

import math

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import BLOCK, inlined, parallel
from convnet.backends.cpu.kernels.philox import words

_UNUSED_BITS = np.uint64(8)


@inlined
def _normal_pair(first, second):
    """Two normal numbers from two words.

    They are float64, so that all backends agree to about the last bit of a float32.
    """
    u1 = (np.int64(first >> _UNUSED_BITS) + 1) * 2.0**-24
    u2 = (np.int64(second >> _UNUSED_BITS) + 1) * 2.0**-24
    radius = math.sqrt(-2 * math.log(u1))
    return radius * math.cos(2 * math.pi * u2), radius * math.sin(2 * math.pi * u2)


@inlined
def _add_noise(x, y, n, normal):
    """y[n] = relu(r + sqrt(r) * normal), where r = relu(x[n])."""
    zero = x.dtype.type(0)
    r = zero if x[n] <= zero else x[n]
    v = r + np.sqrt(r) * x.dtype.type(normal)
    y[n] = zero if v <= zero else v


@inlined
def _noisy_block(x, y, group, random):
    for g in range((y.size + 3) // 4):
        r0, r1, r2, r3 = words(group + g, random)
        normals = _normal_pair(r0, r1) + _normal_pair(r2, r3)
        for lane in range(min(4, y.size - 4 * g)):
            _add_noise(x, y, 4 * g + lane, normals[lane])


@parallel
def noisy_kernel(x, y, random):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        _noisy_block(x[lo:hi], y[lo:hi], lo // 4, random)
