"""Response normalisation across channels (dialect, 3.6; Krizhevsky et al. 2012, section 3.3).

Pixels and cases are alike here, so images are treated as (channels, pixels * cases) and cut into
pieces of columns; the channels of one piece stay in the cache of the thread that works on it.
"""

import numba
import numpy as np
from numba import prange

from convnet.backends.base import needs_scratch, never_touches
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.norm_rows import (
    divide_by_power,
    scale_and_shift,
    share_of_gradient,
    sum_rows,
    sum_squares,
    take_shared,
    window,
)
from convnet.backends.cpu.kernels.rows import add_row
from convnet.compiling.replay import repeatable

PIECE = 512  # columns


def _rows_shape(x, rows):
    """Scratch: for each worker some rows of a piece."""
    columns = x.shape[1] * x.shape[2] * x.shape[3]
    workers = min(numba.get_num_threads(), -(-columns // PIECE))
    return workers, rows, PIECE


def _size(x, rows):
    return int(np.prod(_rows_shape(x, rows))) * x.dtype.itemsize


def _rows(scratch, x, rows):
    return scratch[: _size(x, rows)].view(x.dtype).reshape(_rows_shape(x, rows))


@repeatable
@never_touches("denom")
@needs_scratch(lambda x, *_others: _size(x, 1))
def forward(x, y, denom, size, scale, power, k, blocked, *, scratch):
    """y = x * d ** -power,  d = k + scale * (sum of x**2 over `size` channels).

    x, y: (C, H, W, N); scale is already divided by size; blocked: windows are the consecutive
    blocks of `size` channels instead of being centred on each channel.
    """
    real, channels = x.dtype.type, x.shape[0]
    columns = [a.reshape(channels, -1) for a in (x, y)]
    rows = _rows(scratch, x, 1)
    _forward_kernel(*columns, rows, size, real(scale), float(power), real(k), blocked)


@repeatable
@never_touches("denom")
@needs_scratch(lambda x, *_others: _size(x, x.shape[0] + 3))
def backward(x, y, dy, denom, dx, size, scale, power, k, blocked, accumulate, *, scratch):
    """dx_i (+)= dy_i * d_i**-power - 2*scale*power * x_i * sum of dy_j*y_j/d_j.

    The sum runs over the channels j whose window contains i.  d is computed again from x: that
    takes less time than to write and to read it.
    """
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
        sum_squares(d, x, start, end - start, 1, column)
        scale_and_shift(d, scale, k)


@parallel
def _forward_kernel(x, y, scratch, size, scale, power, k, blocked):
    channels, columns = x.shape
    pieces, workers = (columns + PIECE - 1) // PIECE, scratch.shape[0]
    for worker in prange(workers):
        w = np.int64(worker)
        for piece in range(w * pieces // workers, (w + 1) * pieces // workers):
            lo, hi = piece * PIECE, min(piece * PIECE + PIECE, columns)
            d = scratch[w, 0, : hi - lo]
            for c in range(channels):
                _denominators(d, x, c, lo, size, scale, k, blocked)
                divide_by_power(x[c, lo:hi], d, power, y[c, lo:hi])


@parallel
def _backward_kernel(x, y, dy, dx, scratch, size, numbers, blocked, accumulate):
    channels, columns = x.shape
    pieces, workers = (columns + PIECE - 1) // PIECE, scratch.shape[0]
    scale, power, k, factor = numbers
    lean = 0 if blocked else size - size // 2 - 1  # of the transposed window
    behind = size - 1 - lean  # channels until all of a window's shares are there
    for worker in prange(workers):
        w = np.int64(worker)
        rows = scratch[w]
        for piece in range(w * pieces // workers, (w + 1) * pieces // workers):
            lo, hi = piece * PIECE, min(piece * PIECE + PIECE, columns)
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
