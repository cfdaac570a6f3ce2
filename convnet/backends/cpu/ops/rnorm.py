"""Local response normalization within a channel.

The sum over a square is taken along columns, then along rows.  `normalize` and `normalize_backward`
also serve cnorm, which sums other values than those it divides.
"""

import numba
import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.kernels.norm_rows import (
    divide_by_power,
    put_gradient,
    scale_and_shift,
    share_of_gradient,
    sum_rows,
    sum_squares,
    window,
)
from convnet.compiling.replay import repeatable
from convnet.operations import rnorm


@repeatable
@implements(rnorm.forward)
def forward(x, y, denominators, size, scale, power, k):
    normalize(x, x, y, denominators, size, scale, power, k)


def normalize(summed, x, y, denom, size, scale, power, k):
    """`forward`, with the squares of `summed` in the denominators."""
    real, cases = x.dtype.type, x.shape[3]
    along = y.reshape(-1, cases)  # holds the sums along columns at first
    _forward_kernel(
        summed.reshape(-1, cases), along, x, y, denom, size, real(scale), float(power), real(k)
    )


def _scratch_shape(x):
    workers = min(numba.get_num_threads(), x.shape[0])
    return workers, 2 * x.shape[1] * x.shape[2] + 2, x.shape[3]


def backward_scratch(x, *_others):
    return int(np.prod(_scratch_shape(x))) * x.dtype.itemsize


@repeatable
@implements(rnorm.backward, scratch=backward_scratch)
def backward(x, y, dy, denominators, dx, size, scale, power, accumulate, *, scratch):
    normalize_backward(x, y, dy, denominators, dx, size, scale, power, accumulate, scratch)


def normalize_backward(summed, y, dy, denom, dx, size, scale, power, accumulate, scratch):
    """`backward`, with `summed` in place of the factor x_i."""
    rows = scratch[: backward_scratch(y)].view(y.dtype).reshape(_scratch_shape(y))
    factor = y.dtype.type(2 * scale * power)
    _backward_kernel(summed, y, dy, denom, dx, rows, size, factor, float(power), accumulate)


@parallel
def _forward_kernel(flat, along, x, y, denom, size, scale, power, k):
    channels, height, width, _cases = x.shape
    pixels = height * width
    for channel in prange(channels):
        first = np.int64(channel) * pixels
        for i in range(height):
            for j in range(width):
                start, end = window(j, size // 2, size, width)
                r = first + i * width
                sum_squares(along[r + j], flat, r + start, end - start, 1, 0)
        for i in range(height):
            start, end = window(i, size // 2, size, height)
            for j in range(width):
                d = denom[channel, i, j]
                sum_rows(d, along, first + start * width + j, end - start, width, 0)
                scale_and_shift(d, scale, k)
        for i in range(height):
            for j in range(width):
                d = denom[channel, i, j]
                divide_by_power(x[channel, i, j], d, power, y[channel, i, j])


@parallel
def _backward_kernel(x, y, dy, denom, dx, scratch, size, factor, power, accumulate):
    channels, height, width, _cases = x.shape
    pixels = height * width
    workers = scratch.shape[0]
    lean = size - size // 2 - 1  # of the transposed window
    for worker in prange(workers):
        w = np.int64(worker)
        rows = scratch[w]
        total, direct = rows[2 * pixels], rows[2 * pixels + 1]
        for c in range(w * channels // workers, (w + 1) * channels // workers):
            for i in range(height):
                for j in range(width):
                    q = rows[i * width + j]
                    share_of_gradient(y[c, i, j], dy[c, i, j], denom[c, i, j], q)
            for i in range(height):
                for j in range(width):
                    start, end = window(j, lean, size, width)
                    along = rows[pixels + i * width + j]
                    sum_rows(along, rows, i * width + start, end - start, 1, 0)
            for i in range(height):
                start, end = window(i, lean, size, height)
                for j in range(width):
                    r = pixels + start * width + j
                    sum_rows(total, rows, r, end - start, width, 0)
                    divide_by_power(dy[c, i, j], denom[c, i, j], power, direct)
                    put_gradient(direct, x[c, i, j], total, factor, dx[c, i, j], accumulate)
