"""The cost log(1 + d**2) of differences (dialect, 7)."""

import math

import numpy as np
from numba import prange

from convnet.backends.base import needs_scratch
from convnet.backends.cpu.jit import BLOCK, inlined, parallel
from convnet.compiling.replay import repeatable


def _blocks(y):
    return -(-int(np.prod(y.shape)) // BLOCK)


@needs_scratch(lambda targets, y, *_others: 8 * _blocks(y))
def forward(targets, y, values, *, scratch):
    """values = [sum of log(1 + (y - t)**2)], float64.  targets, y: the same shape."""
    sums = scratch[: 8 * _blocks(y)].view(np.float64)
    _sum_kernel(targets.reshape(-1), y.reshape(-1), sums)
    values[0] = sums.sum()  # one sum a block: the result does not depend on the threads


@repeatable
def backward(targets, y, dy, coeff, accumulate):
    """dy (+)= coeff * 2d / (1 + d**2), d = y - t."""
    flat = (array.reshape(-1) for array in (targets, y, dy))
    _backward_kernel(*flat, float(coeff), accumulate)


@inlined
def _sum_of_logs(t, y):
    total = 0.0
    for n in range(y.size):
        d = np.float64(y[n]) - np.float64(t[n])
        total += math.log1p(d * d)
    return total


@inlined
def _put_slopes(t, y, dy, coeff, accumulate):
    for n in range(y.size):
        d = np.float64(y[n]) - np.float64(t[n])
        g = coeff * 2 * d / (1 + d * d)
        if accumulate:
            dy[n] += g
        else:
            dy[n] = g


@parallel
def _sum_kernel(targets, y, sums):
    for block in prange(sums.size):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, y.size)
        sums[block] = _sum_of_logs(targets[lo:hi], y[lo:hi])


@parallel
def _backward_kernel(targets, y, dy, coeff, accumulate):
    for block in prange((y.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, y.size)
        _put_slopes(targets[lo:hi], y[lo:hi], dy[lo:hi], coeff, accumulate)
