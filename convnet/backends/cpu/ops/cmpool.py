"""Max pooling across channels.

Pixels and cases are alike here, so images are treated as (channels, pixels * cases).
"""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, inlined, parallel
from convnet.backends.cpu.kernels.rows import copy_row, fill
from convnet.compiling.replay import repeatable
from convnet.operations import cmpool


@repeatable
@implements(cmpool.forward)
def forward(x, y, size, stride, start):
    _forward_kernel(x.reshape(len(x), -1), y.reshape(len(y), -1), size, stride, start)


@repeatable
@implements(cmpool.backward)
def backward(x, y, dy, dx, size, stride, start, accumulate):
    flat = [a.reshape(len(a), -1) for a in (x, y, dy, dx)]
    _backward_kernel(*flat, size, stride, start, accumulate)


@inlined
def _take_larger(x, y):
    for n in range(y.size):
        y[n] = x[n] if x[n] > y[n] or x[n] != x[n] else y[n]  # a NaN stays


@inlined
def _add_where_equal(x, y, dy, dx):
    zero = x.dtype.type(0)
    for n in range(dx.size):
        g = dy[n]
        dx[n] += g if x[n] == y[n] else zero


@parallel
def _forward_kernel(x, y, size, stride, start):
    maps, columns = y.shape
    blocks = (columns + BLOCK - 1) // BLOCK
    for job in prange(maps * blocks):
        o, lo = np.int64(job) // blocks, np.int64(job) % blocks * BLOCK
        hi = min(lo + BLOCK, columns)
        first = max(start + o * stride, 0)
        end = min(start + o * stride + size, x.shape[0])
        copy_row(x[first, lo:hi], y[o, lo:hi])
        for c in range(first + 1, end):
            _take_larger(x[c, lo:hi], y[o, lo:hi])


@parallel
def _backward_kernel(x, y, dy, dx, size, stride, start, accumulate):
    channels, columns = x.shape
    blocks = (columns + BLOCK - 1) // BLOCK
    for job in prange(channels * blocks):
        c, lo = np.int64(job) // blocks, np.int64(job) % blocks * BLOCK
        hi = min(lo + BLOCK, columns)
        if not accumulate:
            fill(dx[c, lo:hi], 0)
        first = max((c - start - size) // stride + 1, 0)
        for o in range(first, min((c - start) // stride + 1, y.shape[0])):
            _add_where_equal(x[c, lo:hi], y[o, lo:hi], dy[o, lo:hi], dx[c, lo:hi])
