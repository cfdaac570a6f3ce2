"""Local response normalization across channels.

Pixels and cases are alike here, so images are treated as (channels, pixels * cases) and split into
blocks of columns; the channels of a block stay in the cache of the thread that works on it.
"""

import numba
import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.norm_rows import (
    denominators,
    divide_by_power,
    share_of_gradient,
    sum_rows,
    take_shared,
    window,
)
from convnet.backends.cpu.kernels.rows import add_row
from convnet.compiling.replay import repeatable
from convnet.operations import cmrnorm

BLOCK_COLUMNS = 512  # columns


def _rows_shape(x, rows):
    """Scratch: for each worker some rows of a block."""
    columns = x.shape[1] * x.shape[2] * x.shape[3]
    workers = min(numba.get_num_threads(), ceil_div(columns, BLOCK_COLUMNS))
    return workers, rows, BLOCK_COLUMNS


def _size(x, rows):
    return int(np.prod(_rows_shape(x, rows))) * x.dtype.itemsize


def _rows(scratch, x, rows):
    return scratch[: _size(x, rows)].view(x.dtype).reshape(_rows_shape(x, rows))


@repeatable
@implements(
    cmrnorm.forward,
    unused=lambda *_arguments: "denominators",
    scratch=lambda x, *_others: _size(x, 1),
)
def forward(x, y, denominators, size, scale, power, k, blocked, *, scratch):
    real, channels = x.dtype.type, x.shape[0]
    columns = [a.reshape(channels, -1) for a in (x, y)]
    rows = _rows(scratch, x, 1)
    _forward_kernel(*columns, rows, size, real(scale), float(power), real(k), blocked)


@repeatable
@implements(
    cmrnorm.backward,
    unused=lambda *_arguments: "denominators",
    scratch=lambda x, *_others: _size(x, x.shape[0] + 3),
)
def backward(x, y, dy, denominators, dx, size, scale, power, k, blocked, accumulate, *, scratch):
    """Recompute the denominators from x, which takes less time than writing and reading them."""
    real, channels = x.dtype.type, x.shape[0]
    columns = [a.reshape(channels, -1) for a in (x, y, dy, dx)]
    rows, factor = _rows(scratch, x, channels + 3), real(2 * scale * power)
    numbers = (real(scale), float(power), real(k), factor)
    _backward_kernel(*columns, rows, size, numbers, blocked, accumulate)


@inlined
def _denominators(d, x, c, column, size, scale, k, blocked):
    """d = k + scale * sum of squares, for channel c; in a block, only for its first channel."""
    if not (blocked and c % size):
        start, end = window(c, 0 if blocked else size // 2, size, x.shape[0])
        denominators(d, x, start, end - start, 1, column, scale, k)


@parallel
def _forward_kernel(x, y, scratch, size, scale, power, k, blocked):
    channels, columns = x.shape
    blocks, workers = (columns + BLOCK_COLUMNS - 1) // BLOCK_COLUMNS, scratch.shape[0]
    for worker in prange(workers):
        w = np.int64(worker)
        for block in range(w * blocks // workers, (w + 1) * blocks // workers):
            lo, hi = block * BLOCK_COLUMNS, min(block * BLOCK_COLUMNS + BLOCK_COLUMNS, columns)
            d = scratch[w, 0, : hi - lo]
            for c in range(channels):
                _denominators(d, x, c, lo, size, scale, k, blocked)
                divide_by_power(x[c, lo:hi], d, power, y[c, lo:hi])


@parallel
def _backward_kernel(x, y, dy, dx, scratch, size, numbers, blocked, accumulate):
    channels, columns = x.shape
    blocks, workers = (columns + BLOCK_COLUMNS - 1) // BLOCK_COLUMNS, scratch.shape[0]
    scale, power, k, factor = numbers
    lean = 0 if blocked else size - size // 2 - 1  # of the transposed window
    behind = size - 1 - lean  # channels until all of a window's shares are there
    for worker in prange(workers):
        w = np.int64(worker)
        rows = scratch[w]
        for block in range(w * blocks // workers, (w + 1) * blocks // workers):
            lo, hi = block * BLOCK_COLUMNS, min(block * BLOCK_COLUMNS + BLOCK_COLUMNS, columns)
            total, d = rows[channels, : hi - lo], rows[channels + 1, : hi - lo]
            direct = rows[channels + 2, : hi - lo]
            for c in range(channels + behind):
                if c < channels:
                    _denominators(d, x, c, lo, size, scale, k, blocked)
                    share_of_gradient(y[c, lo:hi], dy[c, lo:hi], d, rows[c, : hi - lo])
                    if accumulate:
                        divide_by_power(dy[c, lo:hi], d, power, direct)
                        add_row(direct, dx[c, lo:hi])
                    else:
                        divide_by_power(dy[c, lo:hi], d, power, dx[c, lo:hi])
                i = c - behind
                if i >= 0:
                    if not (blocked and i % size):
                        start, end = window(i, lean, size, channels)
                        sum_rows(total, rows, start, end - start, 1, 0)
                    take_shared(x[i, lo:hi], total, factor, dx[i, lo:hi])
