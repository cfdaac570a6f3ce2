"""Weight updates (dialect, 6.2) and constraints (6.5)."""

import math

import numpy as np
from numba import cuda, float64

from convnet.backends.base import operation

from .compiling import THREADS, inlined, kernel
from .launch import launch, over
from .reduce import block_sum


@operation(writes="w v")
def sgd(w, dw, v, hyper):
    """v = momentum*v - (rate/cases)*dw - rate*decay*w,  w += v.

    w, dw, v: the same shape; hyper: float64 [momentum, rate/cases, rate*decay].
    """
    return [over(_sgd, w.size, w, dw, v, hyper, w.size)]


@operation(writes="w v mean square")
def by_deviation(w, dw, v, mean, square, hyper, epsilon):
    """v = 0.9*v + rate*g / sqrt(square - mean + epsilon) - rate*decay*w,  w += v   (dialect, 6.3).

    g = -dw/cases; before that, mean and square become momentum*mean + (1-momentum)*g, and the same
    of g**2.  hyper: float64 [momentum, rate/cases, rate*decay, 1/cases].
    """
    return [over(_by_deviation, w.size, w, dw, v, mean, square, hyper, float(epsilon), w.size)]


@operation(writes="dw_to")
def scaled_add(dw_from, dw_to, factor):
    """dw_to += factor[0] * dw_from.  factor: float64 (1,)."""
    return [over(_scaled_add, dw_to.size, dw_from, dw_to, factor, dw_to.size)]


@operation(writes="w3")
def weight_ball(w3, limit, always):
    """Scale each filter whose L2 norm exceeds `limit`, or every one if `always`, to that norm.

    w3: (blocks, weights of a filter, filters); a filter is a column of a block.  A filter of
    zeros stays.
    """
    low = limit if always else 0.0
    return [_rescale(w3, False, low, limit)]


@operation(writes="w3")
def contrast(w3, low, high):
    """Scale each filter so that a = sqrt(sum of (w - mean)**2) / n lies in [low, high]; 0 is off.

    w3 as for weight_ball, n its second side.  A filter without contrast stays.
    """
    return [_rescale(w3, True, low, high)]


def _rescale(w3, centred, low, high):
    blocks, weights, filters = w3.shape
    limits = np.float64(low), np.float64(high)
    return launch(_rescale_kernel, blocks * filters, w3, weights, filters, centred, *limits)


@kernel
def _sgd(w, dw, v, hyper, count):
    momentum, rate = np.float32(hyper[0]), np.float32(hyper[1])
    decay = np.float32(hyper[2])
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        moved = momentum * v[e] - rate * dw[e] - decay * w[e]
        v[e] = moved
        w[e] += moved


@kernel
def _by_deviation(w, dw, v, mean, square, hyper, epsilon, count):
    momentum, rate = np.float32(hyper[0]), np.float32(hyper[1])
    decay, scale = np.float32(hyper[2]), np.float32(hyper[3])
    rest = np.float32(1) - momentum
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        g = -scale * dw[e]
        first = momentum * mean[e] + rest * g
        second = momentum * square[e] + rest * g * g
        mean[e], square[e] = first, second
        room = second - first + epsilon
        deviation = math.sqrt(room) if room >= np.float32(0) else np.float32(math.nan)
        moved = np.float32(0.9) * v[e] - rate * dw[e] / deviation - decay * w[e]
        v[e] = moved
        w[e] += moved


@kernel
def _scaled_add(source, target, factor, count):
    scale = np.float32(factor[0])
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        target[e] += scale * source[e]


@inlined
def _factor(size, low, high):
    """What brings `size` into [low, high]; a bound of 0 is off, and a zero stays."""
    if low > 0 and 0 < size < low:
        return low / size
    if high > 0 and size > high:
        return high / size
    return 1.0


@kernel
def _rescale_kernel(w3, weights, filters, centred, low, high):
    """A block a filter."""
    block, f = cuda.blockIdx.x // filters, cuda.blockIdx.x % filters
    first = block * weights * filters + f
    mean = float64(0)
    if centred:
        for k in range(cuda.threadIdx.x, weights, THREADS):
            mean += float64(w3[first + k * filters])
        mean = block_sum(mean) / weights
    squares = float64(0)
    for k in range(cuda.threadIdx.x, weights, THREADS):
        d = float64(w3[first + k * filters]) - mean
        squares += d * d
    size = math.sqrt(block_sum(squares))
    factor = np.float32(_factor(size / weights if centred else size, low, high))
    for k in range(cuda.threadIdx.x, weights, THREADS):
        w3[first + k * filters] *= factor
