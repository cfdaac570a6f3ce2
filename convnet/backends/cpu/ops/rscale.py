"""Images at random scales and places."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import called, parallel
from convnet.backends.cpu.kernels.philox import words
from convnet.backends.cpu.ops.resize import point
from convnet.compiling.replay import repeatable
from convnet.operations import rscale

_UNUSED_BITS = np.uint64(8)


@repeatable
@implements(rscale.forward)
def forward(x, y, scales, random):
    _forward_kernel(x, y, scales, random)


@called
def _draw_scale(u, scales):
    """The smallest t whose probability, with those below it, exceeds u."""
    total = scales * (scales + 1) * (2 * scales + 1) / 6.0
    t = 0
    while t < scales - 1 and u * total >= (t + 1) * (t + 2) * (2 * t + 3) / 6.0:
        t += 1
    return t


@called
def _draw(n, side, outputs, scales, random):
    """(size, factor, row, column) of case n."""
    a, b, c, d = words(n, random)
    size = outputs + _draw_scale(np.int64(a >> _UNUSED_BITS) * 2.0**-24, scales)
    smallest, largest = max(1.0, side / (1.0 + size)), side / (1.0 * size)
    factor = smallest + np.int64(b >> _UNUSED_BITS) * 2.0**-24 * (largest - smallest)
    places = size - outputs + 1
    row = np.int64(np.int64(c >> _UNUSED_BITS) * 2.0**-24 * places)
    column = np.int64(np.int64(d >> _UNUSED_BITS) * 2.0**-24 * places)
    return size, factor, row, column


@called
def _row_of_case(x, y, n, i, drawn):
    """Row i of the output of case n.  x: one channel, (S, S, N); y: its row, (M, N)."""
    size, factor, row, column = drawn
    side, real = x.shape[0], x.dtype.type
    offset = side / 2.0 - size * factor / 2.0
    top, bottom, low = point((row + i) * factor + offset, side)
    for j in range(y.shape[0]):
        if size == side:
            y[j, n] = x[row + i, column + j, n]
        else:
            left, right, late = point((column + j) * factor + offset, side)
            upper = real(1 - late) * x[top, left, n] + real(late) * x[top, right, n]
            lower = real(1 - late) * x[bottom, left, n] + real(late) * x[bottom, right, n]
            y[j, n] = real(1 - low) * upper + real(low) * lower


@parallel
def _forward_kernel(x, y, scales, random):
    channels, outputs, _, cases = y.shape
    for job in prange(channels * outputs):
        c, i = np.int64(job) // outputs, np.int64(job) % outputs
        for n in range(cases):
            drawn = _draw(n, x.shape[1], outputs, scales, random)
            _row_of_case(x[c], y[c, i], n, i, drawn)
