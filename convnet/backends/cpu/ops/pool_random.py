"""Random pooling."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import called, parallel
from convnet.backends.cpu.kernels.philox import words
from convnet.backends.cpu.kernels.pool_rows import clip
from convnet.compiling.replay import repeatable
from convnet.operations import pool_random

_UNUSED_BITS = np.uint64(8)


@repeatable
@implements(pool_random.forward)
def forward(x, y, size, stride, start, random):
    _forward_kernel(x, y, size, stride, start, random)


@called
def pick(window, n, u):
    """The value that u picks from a window (rows, columns, N), case n."""
    rows, columns, _ = window.shape
    zero = window.dtype.type(0)
    total = zero
    for p in range(rows * columns):
        value = window[p // columns, p % columns, n]
        total += zero if value <= zero else value
    if not total - total == zero:
        return total  # not finite: let it be seen
    running, goal = zero, u * total
    for p in range(rows * columns):
        value = window[p // columns, p % columns, n]
        running += zero if value <= zero else value
        if running > goal:
            return value
    return window[0, 0, n]


@called
def _pick_row(window, out, first, random):
    """All cases of one window; `first` is the flat index of the first."""
    drawn = words(first // 4, random)
    for n in range(out.size):
        if (first + n) % 4 == 0:
            drawn = words((first + n) // 4, random)
        u = np.int64(drawn[(first + n) % 4] >> _UNUSED_BITS) * 2.0**-24
        out[n] = pick(window, n, window.dtype.type(u))


@parallel
def _forward_kernel(x, y, size, stride, start, random):
    channels, height, width, cases = x.shape
    outputs = y.shape[1]
    for job in prange(channels * outputs):
        c, oi = np.int64(job) // outputs, np.int64(job) % outputs
        top, bottom = clip(oi, size, stride, start, height)
        for oj in range(outputs):
            left, right = clip(oj, size, stride, start, width)
            first = (np.int64(job) * outputs + oj) * cases
            _pick_row(x[c, top:bottom, left:right], y[c, oi, oj], first, random)
