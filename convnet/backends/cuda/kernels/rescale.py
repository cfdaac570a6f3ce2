"""The kernel of the constraints on weights: filters are scaled to a norm."""

import math

import numpy as np
from numba import cuda, float64

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.jit import THREADS, device_function, kernel
from convnet.backends.cuda.kernels.reduce import lanes_sum
from convnet.backends.cuda.runtime.launch import Array, Launch, launch

_LANES = 8  # neighboring filters a block, so that whole sectors of memory are read


def rescale(w3: Array, centered: bool, low: float, high: float) -> Launch:
    """Scale each filter so that its norm (centered: its contrast) is in [low, high]; 0 is no bound.

    w3: (blocks, weights of a filter, filters); a filter is a column of a block.
    """
    blocks, weights, filters = w3.shape
    lanes = 1 if filters == 1 else _LANES
    groups = ceil_div(filters, lanes)
    limits = np.float64(low), np.float64(high)
    kernel = _RESCALE[lanes]
    return launch(kernel, blocks * groups, w3, weights, filters, groups, centered, *limits)


@device_function
def _factor(size, low, high):
    """Return the factor that brings `size` into [low, high]; 0 is no bound, and a zero stays."""
    if low > 0 and 0 < size < low:
        return low / size
    if high > 0 and size > high:
        return high / size
    return 1.0


def _rescale(LANES):
    TEAM = THREADS // LANES  # threads a filter

    def rescale(w3, weights, filters, groups, centered, low, high):
        block, group = cuda.blockIdx.x // groups, cuda.blockIdx.x % groups
        f, member = group * LANES + cuda.threadIdx.x % LANES, cuda.threadIdx.x // LANES
        first = block * weights * filters + f
        last = weights if f < filters else 0
        mean = float64(0)
        if centered:
            for k in range(member, last, TEAM):
                mean += float64(w3[first + k * filters])
            mean = lanes_sum(mean, LANES) / weights
        squares = float64(0)
        for k in range(member, last, TEAM):
            d = float64(w3[first + k * filters]) - mean
            squares += d * d
        size = math.sqrt(lanes_sum(squares, LANES))
        factor = np.float32(_factor(size / weights if centered else size, low, high))
        for k in range(member, last, TEAM):
            w3[first + k * filters] *= factor

    rescale.__qualname__ = f"rescale_{LANES}"
    return kernel(rescale)


_RESCALE = {lanes: _rescale(lanes) for lanes in (1, _LANES)}
