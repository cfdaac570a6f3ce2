"""Dropout: multiply by a random mask (dialect, 3.8), the same one as on the CPU.

An element is kept if u < keep, where u = (word >> 8) * 2**-24 is the element's random number
(philox.py).  The comparison is made exactly, between integers.
"""

import math

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .launch import over
from .philox import words

_UNUSED_BITS = np.uint64(8)


@operation(writes="y mask")
def forward(x, y, mask, keep, scale, random):
    """mask = u < keep,  y = x * mask * scale.  x, y: (rows, N), may be one array; mask: uint8."""
    threshold = np.uint64(math.ceil(keep * 2**24))
    groups = -(-x.size // 4)
    return [over(_forward, groups, x, y, mask, threshold, float(scale), random, x.size)]


@operation(writes="dx")
def backward(dy, mask, dx, scale, accumulate):
    """dx (+)= dy * mask * scale.  dy, dx: (rows, N), may be one array."""
    return [over(_backward, dy.size, dy, mask, dx, float(scale), dy.size, accumulate)]


@kernel
def _forward(x, y, mask, threshold, scale, random, count):
    for group in range(cuda.grid(1), (count + 3) // 4, cuda.gridsize(1)):
        drawn = words(group, random)
        for lane in range(4):
            e = 4 * group + lane
            if e < count:
                word = drawn[lane]
                kept = (word >> _UNUSED_BITS) < threshold
                mask[e] = np.uint8(1) if kept else np.uint8(0)
                y[e] = x[e] * scale if kept else np.float32(0)


@kernel
def _backward(dy, mask, dx, scale, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        g = dy[e] * scale if mask[e] else np.float32(0)
        dx[e] = dx[e] + g if accumulate else g
