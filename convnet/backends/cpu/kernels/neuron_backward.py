"""The neurons' derivatives; most are computed from the output alone."""

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import BLOCK, called, inlined, inlined_sum, parallel
from convnet.backends.cpu.kernels import neuron_kinds as kinds
from convnet.backends.cpu.kernels.exponentials import expm1, tanh
from convnet.backends.cpu.microkernel import address

CHUNK = 2048  # elements of a row that stay in the first-level cache


@inlined
def _put(dx, n, value, accumulate):
    dx[n] = dx[n] + value if accumulate else value


@inlined
def _smooth(x, y, dy, dx, kind, a, b, accumulate):
    one, four, item = y.dtype.type(1), y.dtype.type(4), x.itemsize
    if kind == kinds.LOGISTIC:
        for n in range(dx.size):
            _put(dx, n, y[n] * (one - y[n]) * dy[n], accumulate)
    elif kind == kinds.TANH:
        steepest, fall = a * b, b / a
        for n in range(dx.size):
            _put(dx, n, (steepest - fall * (y[n] * y[n])) * dy[n], accumulate)
    elif kind == kinds.DRELU:
        for n in range(dx.size):
            t = tanh(x[n] / a, item)
            _put(dx, n, t * t * dy[n], accumulate)
    elif kind == kinds.SOFTRELU:
        for n in range(dx.size):
            slope = one if y[n] > four else -expm1(-y[n], item)
            _put(dx, n, slope * dy[n], accumulate)
    else:  # LOG
        for n in range(dx.size):
            _put(dx, n, one / (a + x[n]) * dy[n], accumulate)


@inlined
def _simple(x, y, dy, dx, kind, a, accumulate):
    zero = y.dtype.type(0)
    if kind == kinds.RELU:
        for n in range(dx.size):
            _put(dx, n, dy[n] if y[n] > zero else zero * dy[n], accumulate)
    elif kind == kinds.BRELU:
        for n in range(dx.size):
            _put(dx, n, dy[n] if (y[n] > zero) & (y[n] < a) else zero * dy[n], accumulate)
    elif kind == kinds.ABS:
        for n in range(dx.size):
            _put(dx, n, dy[n] if x[n] > zero else -dy[n], accumulate)
    elif kind == kinds.SQUARE:
        for n in range(dx.size):
            _put(dx, n, (x[n] + x[n]) * dy[n], accumulate)
    elif kind == kinds.SQRT:
        for n in range(dx.size):
            _put(dx, n, dy[n] / (y[n] + y[n]), accumulate)
    elif kind == kinds.LINEAR:
        for n in range(dx.size):
            _put(dx, n, a * dy[n], accumulate)
    else:  # IDENT
        for n in range(dx.size):
            _put(dx, n, dy[n], accumulate)


# Each of these is a separate function, so that the compiler moves the choice of the kind out of one
# loop.  It vectorizes the forms in place only where it sees that dy is dx.


@called
def _smooth_in_place(x, y, dx, kind, a, b):
    _smooth(x, y, dx, dx, kind, a, b, False)


@called
def _smooth_apart(x, y, dy, dx, kind, a, b):
    _smooth(x, y, dy, dx, kind, a, b, False)


@called
def _smooth_adding(x, y, dy, dx, kind, a, b):
    _smooth(x, y, dy, dx, kind, a, b, True)


@called
def _simple_in_place(x, y, dx, kind, a):
    _simple(x, y, dx, dx, kind, a, False)


@called
def _simple_apart(x, y, dy, dx, kind, a):
    _simple(x, y, dy, dx, kind, a, False)


@called
def _simple_adding(x, y, dy, dx, kind, a):
    _simple(x, y, dy, dx, kind, a, True)


@called
def _apply_smooth(x, y, dy, dx, kind, a, b, accumulate):
    """dx (+)= f' * dy, one row; dx may be dy, unless accumulating."""
    if address(dx) == address(dy):
        _smooth_in_place(x, y, dx, kind, a, b)
    elif accumulate:
        _smooth_adding(x, y, dy, dx, kind, a, b)
    else:
        _smooth_apart(x, y, dy, dx, kind, a, b)


@called
def _apply_simple(x, y, dy, dx, kind, a, accumulate):
    """The same of the other kinds."""
    if address(dx) == address(dy):
        _simple_in_place(x, y, dx, kind, a)
    elif accumulate:
        _simple_adding(x, y, dy, dx, kind, a)
    else:
        _simple_apart(x, y, dy, dx, kind, a)


@inlined_sum
def _sum(row):
    total = 0.0  # float64: a row may have a million terms
    for n in range(row.size):
        total += row[n]
    return total


def backward(x, y, dy, dx, kind, a, b, accumulate):
    """dx (+)= f' * dy, of flat arrays."""
    if kind >= kinds.DRELU:
        _smooth_kernel(x, y, dy, dx, kind, a, b, accumulate)
    else:
        _simple_kernel(x, y, dy, dx, kind, a, accumulate)


def backward_fused(x, y, dy, dx, kind, a, b, db, db_adds):
    """dx = f' * dy, and db (+)= the sums of dx's rows, which are still in the cache."""
    if kind >= kinds.DRELU:
        _fused_smooth_kernel(x, y, dy, dx, kind, a, b, db, db_adds)
    else:
        _fused_simple_kernel(x, y, dy, dx, kind, a, db, db_adds)


@parallel
def _smooth_kernel(x, y, dy, dx, kind, a, b, accumulate):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        _apply_smooth(x[lo:hi], y[lo:hi], dy[lo:hi], dx[lo:hi], kind, a, b, accumulate)


@parallel
def _simple_kernel(x, y, dy, dx, kind, a, accumulate):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        _apply_simple(x[lo:hi], y[lo:hi], dy[lo:hi], dx[lo:hi], kind, a, accumulate)


@parallel
def _fused_smooth_kernel(x, y, dy, dx, kind, a, b, db, db_adds):
    for row in prange(x.shape[0]):
        total = 0.0
        for lo in range(0, x.shape[1], CHUNK):
            hi = min(lo + CHUNK, x.shape[1])
            out = dx[row, lo:hi]
            _apply_smooth(x[row, lo:hi], y[row, lo:hi], dy[row, lo:hi], out, kind, a, b, False)
            total += _sum(out)
        db[row] = db[row] + total if db_adds else total


@parallel
def _fused_simple_kernel(x, y, dy, dx, kind, a, db, db_adds):
    for row in prange(x.shape[0]):
        total = 0.0
        for lo in range(0, x.shape[1], CHUNK):
            hi = min(lo + CHUNK, x.shape[1])
            out = dx[row, lo:hi]
            _apply_simple(x[row, lo:hi], y[row, lo:hi], dy[row, lo:hi], out, kind, a, False)
            total += _sum(out)
        db[row] = db[row] + total if db_adds else total
