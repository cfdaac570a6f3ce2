"""Random pooling: one pixel of each window, drawn in proportion to its value (dialect, 3.4).

The output with flat index e in (C, M, M, N) uses u = (word >> 8) * 2**-24, its number of the
generator (philox.py), and takes the first pixel, in row order, at which the running sum of the
window exceeds u times the whole sum.
"""

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import called, parallel
from convnet.backends.cpu.kernels.philox import words
from convnet.backends.cpu.ops.pool import clip
from convnet.compiling.replay import repeatable

_UNUSED_BITS = np.uint64(8)


@repeatable
def forward(x, y, size, stride, start, random):
    """x (C, H, W, N) -> y (C, M, M, N); windows as in pool.forward, values below 0 count as 0.

    A window without a positive value gives its first pixel.
    """
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
