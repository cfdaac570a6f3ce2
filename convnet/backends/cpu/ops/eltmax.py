"""Maximum over inputs of equal size, taken one more input at a time."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, inlined, parallel
from convnet.backends.cpu.microkernel import address
from convnet.compiling.replay import repeatable
from convnet.operations import eltmax


@repeatable
@implements(eltmax.forward)
def forward(a, b, y):
    _forward_kernel(a.reshape(-1), b.reshape(-1), y.reshape(-1))


@repeatable
@implements(eltmax.backward)
def backward(x, y, dy, dx, accumulate):
    _backward_kernel(*[a.reshape(-1) for a in (x, y, dy, dx)], accumulate)


@inlined
def _take_larger(x, y):
    for n in range(y.size):
        y[n] = x[n] if x[n] > y[n] or x[n] != x[n] else y[n]  # a NaN stays


@inlined
def _put_larger(a, b, y):
    for n in range(y.size):
        y[n] = b[n] if b[n] > a[n] or b[n] != b[n] else a[n]


@inlined
def _put_where_equal(x, y, dy, dx, accumulate):
    zero = x.dtype.type(0)
    for n in range(dx.size):
        g = dy[n]
        g = g if x[n] == y[n] else zero
        if accumulate:
            dx[n] += g
        else:
            dx[n] = g


@parallel
def _forward_kernel(a, b, y):
    in_place = address(a) == address(y)
    for block in prange((y.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, y.size)
        if in_place:
            _take_larger(b[lo:hi], y[lo:hi])
        else:
            _put_larger(a[lo:hi], b[lo:hi], y[lo:hi])


@parallel
def _backward_kernel(x, y, dy, dx, accumulate):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        _put_where_equal(x[lo:hi], y[lo:hi], dy[lo:hi], dx[lo:hi], accumulate)
