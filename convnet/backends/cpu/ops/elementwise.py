"""Scaled copies and sums."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, inlined, parallel
from convnet.compiling.replay import repeatable
from convnet.operations import elementwise


@repeatable
@implements(elementwise.scale)
def scale(x, y, factor, accumulate):
    _scale_kernel(x.reshape(-1), y.reshape(-1), x.dtype.type(factor), accumulate)


@repeatable
@implements(elementwise.weighted_sum)
def weighted_sum(a, b, y, factor_a, factor_b):
    real = y.dtype.type
    arrays = (array.reshape(-1) for array in (a, b, y))
    _sum_kernel(*arrays, real(factor_a), real(factor_b))


@inlined
def _scale(x, y, factor):
    for n in range(y.size):
        y[n] = factor * x[n]


@inlined
def _add_scaled(x, y, factor):
    for n in range(y.size):
        y[n] += factor * x[n]


@parallel
def _scale_kernel(x, y, factor, accumulate):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        if accumulate:
            _add_scaled(x[lo:hi], y[lo:hi], factor)
        else:
            _scale(x[lo:hi], y[lo:hi], factor)


@inlined
def _add(a, b, y, factor_a, factor_b):
    for n in range(y.size):
        y[n] = factor_a * a[n] + factor_b * b[n]


@parallel
def _sum_kernel(a, b, y, factor_a, factor_b):
    for block in prange((y.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, y.size)
        _add(a[lo:hi], b[lo:hi], y[lo:hi], factor_a, factor_b)
