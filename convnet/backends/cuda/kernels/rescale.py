"""Filters brought to a norm: the kernel of the constraints on weights."""

import math

import numpy as np
from numba import cuda, float64

from convnet.backends.cuda.jit import THREADS, inlined, kernel
from convnet.backends.cuda.kernels.reduce import lanes_sum
from convnet.backends.cuda.runtime.launch import Launch, launch

_LANES = 8  # neighbouring filters a block: whole sectors of memory


def rescale(w3, centred: bool, low: float, high: float) -> Launch:
    """Bring the norm (centred: the contrast) of each filter into [low, high]; 0 is off.

    w3: (blocks, weights of a filter, filters), filters as columns of a block.
    """
    blocks, weights, filters = w3.shape
    lanes = 1 if filters == 1 else _LANES
    groups = -(-filters // lanes)
    limits = np.float64(low), np.float64(high)
    kernel = _RESCALE[lanes]
    return launch(kernel, blocks * groups, w3, weights, filters, groups, centred, *limits)


@inlined
def _factor(size, low, high):
    """What brings `size` into [low, high]; a bound of 0 is off, and a zero stays."""
    if low > 0 and 0 < size < low:
        return low / size
    if high > 0 and size > high:
        return high / size
    return 1.0


def _rescale(LANES):
    TEAM = THREADS // LANES  # threads a filter

    def rescale(w3, weights, filters, groups, centred, low, high):
        block, group = cuda.blockIdx.x // groups, cuda.blockIdx.x % groups
        f, member = group * LANES + cuda.threadIdx.x % LANES, cuda.threadIdx.x // LANES
        first = block * weights * filters + f
        last = weights if f < filters else 0
        mean = float64(0)
        if centred:
            for k in range(member, last, TEAM):
                mean += float64(w3[first + k * filters])
            mean = lanes_sum(mean, LANES) / weights
        squares = float64(0)
        for k in range(member, last, TEAM):
            d = float64(w3[first + k * filters]) - mean
            squares += d * d
        size = math.sqrt(lanes_sum(squares, LANES))
        factor = np.float32(_factor(size / weights if centred else size, low, high))
        for k in range(member, last, TEAM):
            w3[first + k * filters] *= factor

    rescale.__qualname__ = f"rescale_{LANES}"
    return kernel(rescale)


_RESCALE = {lanes: _rescale(lanes) for lanes in (1, _LANES)}
