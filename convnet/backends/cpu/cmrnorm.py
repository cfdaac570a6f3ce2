"""Response normalisation across channels (dialect, 3.6; Krizhevsky et al. 2012, section 3.3).

Pixels and cases are alike here, so images are treated as (channels, pixels * cases) and cut into
pieces of columns; the channels of one piece stay in the cache of the thread that works on it.
"""

import numba
import numpy as np
from numba import prange

from ..base import needs_scratch
from .compiling import parallel
from .norm_rows import (
    divide_by_power,
    put_gradient,
    scale_and_shift,
    share_of_gradient,
    sum_rows,
    sum_squares,
    window,
)
from .rows import copy_row

PIECE = 512  # columns


def forward(x, y, denom, size, scale, power, k, blocked):
    """denom = k + scale * (sum of x**2 over `size` channels),  y = x * denom ** -power.

    x, y, denom: (C, H, W, N); scale is already divided by size; blocked: windows are the
    consecutive blocks of `size` channels instead of being centred on each channel.
    """
    real, channels = x.dtype.type, x.shape[0]
    columns = [a.reshape(channels, -1) for a in (x, y, denom)]
    _forward_kernel(*columns, size, real(scale), float(power), real(k), blocked)


def _scratch_shape(x):
    columns = x.shape[1] * x.shape[2] * x.shape[3]
    workers = min(numba.get_num_threads(), -(-columns // PIECE))
    return workers, x.shape[0] + 2, PIECE


def _scratch_size(x, *_others):
    return int(np.prod(_scratch_shape(x))) * x.dtype.itemsize


@needs_scratch(_scratch_size)
def backward(x, y, dy, denom, dx, size, scale, power, k, blocked, accumulate, *, scratch):
    """dx_i (+)= dy_i * denom_i**-power - 2*scale*power * x_i * sum of dy_j*y_j/denom_j.

    The sum runs over the channels j whose window contains i.  k is in denom already.
    """
    real, channels = x.dtype.type, x.shape[0]
    columns = [a.reshape(channels, -1) for a in (x, y, dy, denom, dx)]
    rows = scratch[: _scratch_size(x)].view(x.dtype).reshape(_scratch_shape(x))
    factor = real(2 * scale * power)
    _backward_kernel(*columns, rows, size, factor, float(power), blocked, accumulate)


@parallel
def _forward_kernel(x, y, denom, size, scale, power, k, blocked):
    channels, columns = x.shape
    for piece in prange((columns + PIECE - 1) // PIECE):
        lo = np.int64(piece) * PIECE
        hi = min(lo + PIECE, columns)
        for c in range(channels):
            d = denom[c, lo:hi]
            if blocked and c % size:
                copy_row(denom[c - 1, lo:hi], d)
            else:
                start, end = window(c, 0 if blocked else size // 2, size, channels)
                sum_squares(d, x, start, end - start, 1, lo)
                scale_and_shift(d, scale, k)
            divide_by_power(x[c, lo:hi], d, power, y[c, lo:hi])


@parallel
def _backward_kernel(x, y, dy, denom, dx, scratch, size, factor, power, blocked, accumulate):
    channels, columns = x.shape
    pieces = (columns + PIECE - 1) // PIECE
    workers = scratch.shape[0]
    lean = 0 if blocked else size - size // 2 - 1  # of the transposed window
    for worker in prange(workers):
        w = np.int64(worker)
        rows = scratch[w]
        for piece in range(w * pieces // workers, (w + 1) * pieces // workers):
            lo, hi = piece * PIECE, min(piece * PIECE + PIECE, columns)
            total, direct = rows[channels, : hi - lo], rows[channels + 1, : hi - lo]
            for c in range(channels):
                q = rows[c, : hi - lo]
                share_of_gradient(y[c, lo:hi], dy[c, lo:hi], denom[c, lo:hi], q)
            for c in range(channels):
                if not (blocked and c % size):
                    start, end = window(c, lean, size, channels)
                    sum_rows(total, rows, start, end - start, 1, 0)
                divide_by_power(dy[c, lo:hi], denom[c, lo:hi], power, direct)
                put_gradient(direct, x[c, lo:hi], total, factor, dx[c, lo:hi], accumulate)
