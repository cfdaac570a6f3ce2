"""Local contrast normalization: `rnorm` with other values in the sum of squares."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.norm_rows import sum_rows, window
from convnet.backends.cpu.ops.rnorm import backward_scratch, normalize, normalize_backward
from convnet.compiling.replay import repeatable
from convnet.operations import cnorm


@repeatable
@implements(cnorm.forward)
def forward(x, y, denominators, centered, size, scale, power, k):
    cases = x.shape[3]
    _center_kernel(x.reshape(-1, cases), y.reshape(-1, cases), x, centered, size)
    normalize(centered, x, y, denominators, size, scale, power, k)


@repeatable
@implements(cnorm.backward, scratch=backward_scratch)
def backward(centered, y, dy, denominators, dx, size, scale, power, accumulate, *, scratch):
    normalize_backward(centered, y, dy, denominators, dx, size, scale, power, accumulate, scratch)


@inlined
def _subtract_from(x, total, count):
    """total = x - total / count."""
    share = x.dtype.type(1) / x.dtype.type(count)
    for n in range(x.size):
        total[n] = x[n] - total[n] * share


@parallel
def _center_kernel(flat, along, x, centered, size):
    channels, height, width, _cases = x.shape
    pixels = height * width
    for channel in prange(channels):
        first = np.int64(channel) * pixels
        for i in range(height):
            for j in range(width):
                start, end = window(j, size // 2, size, width)
                r = first + i * width
                sum_rows(along[r + j], flat, r + start, end - start, 1, 0)
        for i in range(height):
            top, bottom = window(i, size // 2, size, height)
            for j in range(width):
                left, right = window(j, size // 2, size, width)
                total = centered[channel, i, j]
                sum_rows(total, along, first + top * width + j, bottom - top, width, 0)
                _subtract_from(x[channel, i, j], total, (bottom - top) * (right - left))
