"""The cost log(1 + d**2) of differences."""

import math

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, inlined, parallel
from convnet.compiling.replay import repeatable
from convnet.operations import cost_rflickr


def _blocks(y):
    return ceil_div(int(np.prod(y.shape)), BLOCK)


@implements(cost_rflickr.forward, scratch=lambda targets, y, *_others: 8 * _blocks(y))
def forward(targets, y, values, *, scratch):
    sums = scratch[: 8 * _blocks(y)].view(np.float64)
    _sum_kernel(targets.reshape(-1), y.reshape(-1), sums)
    values[0] = sums.sum()  # one sum a block: the result does not depend on the threads


@repeatable
@implements(cost_rflickr.backward)
def backward(targets, y, dy, coeff, accumulate):
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
def _put_derivatives(t, y, dy, coeff, accumulate):
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
        _put_derivatives(targets[lo:hi], y[lo:hi], dy[lo:hi], coeff, accumulate)
