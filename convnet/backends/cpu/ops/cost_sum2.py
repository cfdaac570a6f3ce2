"""Sum of squares."""

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, inlined_sum, parallel
from convnet.backends.cpu.ops import elementwise
from convnet.compiling.replay import repeatable
from convnet.operations import cost_sum2


def _blocks(x):
    return ceil_div(int(np.prod(x.shape)), BLOCK)


@implements(cost_sum2.forward, scratch=lambda x, *_others: 8 * _blocks(x))
def forward(x, values, *, scratch):
    sums = scratch[: 8 * _blocks(x)].view(np.float64)
    _squares_kernel(x.reshape(-1), sums)
    values[0] = sums.sum()  # one sum a block: the result does not depend on the threads


@repeatable
@implements(cost_sum2.backward)
def backward(x, dx, coeff, accumulate):
    elementwise.scale(x, dx, 2 * coeff, accumulate)


@inlined_sum
def _sum_of_squares(x):
    total = 0.0
    for n in range(x.size):
        total += np.float64(x[n]) * np.float64(x[n])
    return total


@parallel
def _squares_kernel(x, sums):
    for block in prange(sums.size):
        lo = np.int64(block) * BLOCK
        sums[block] = _sum_of_squares(x[lo : min(lo + BLOCK, x.size)])
