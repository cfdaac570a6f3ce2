"""Updates of weights, and constraints on them."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, called, inlined, inlined_sum, parallel
from convnet.backends.cpu.kernels.rows import fill
from convnet.backends.cpu.ops import elementwise
from convnet.compiling.replay import repeatable
from convnet.operations import update

GROUP = 64  # filters


@repeatable
@implements(update.sgd)
def sgd(w, dw, v, hyper):
    _sgd_kernel(w.reshape(-1), dw.reshape(-1), v.reshape(-1), hyper)


@repeatable
@implements(update.by_deviation)
def by_deviation(w, dw, v, mean, square, hyper, epsilon):
    flat = (array.reshape(-1) for array in (w, dw, v, mean, square))
    _deviation_kernel(*flat, hyper, w.dtype.type(epsilon))


@implements(update.scaled_add)
def scaled_add(dw_from, dw_to, factor):
    elementwise.scale(dw_from, dw_to, factor[0], True)


def _sums_size(w3, *_others):
    return 2 * 8 * w3.shape[0] * w3.shape[2]


@repeatable
@implements(update.weight_ball, scratch=_sums_size)
def weight_ball(w3, limit, always, *, scratch):
    limit = float(limit)
    _rescale_kernel(w3, _sums(w3, scratch), False, limit if always else 0.0, limit)


@repeatable
@implements(update.contrast, scratch=_sums_size)
def contrast(w3, low, high, *, scratch):
    _rescale_kernel(w3, _sums(w3, scratch), True, float(low), float(high))


def _sums(w3, scratch):
    sums = scratch[: _sums_size(w3)].view(np.float64)
    return sums.reshape(2, w3.shape[0], w3.shape[2])


@inlined
def _step(w, dw, v, momentum, rate, decay):
    for n in range(w.size):
        v[n] = momentum * v[n] - rate * dw[n] - decay * w[n]
        w[n] += v[n]


@parallel
def _sgd_kernel(w, dw, v, hyper):
    real = w.dtype.type
    momentum, rate, decay = real(hyper[0]), real(hyper[1]), real(hyper[2])
    for block in prange((w.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, w.size)
        _step(w[lo:hi], dw[lo:hi], v[lo:hi], momentum, rate, decay)


@inlined
def _deviation_step(w, dw, v, mean, square, momentum, rate, decay, scale, epsilon):
    one, kept = w.dtype.type(1), w.dtype.type(0.9)
    for n in range(w.size):
        g = -scale * dw[n]
        mean[n] = momentum * mean[n] + (one - momentum) * g
        square[n] = momentum * square[n] + (one - momentum) * g * g
        deviation = np.sqrt(square[n] - mean[n] + epsilon)
        v[n] = kept * v[n] - rate * dw[n] / deviation - decay * w[n]
        w[n] += v[n]


@parallel
def _deviation_kernel(w, dw, v, mean, square, hyper, epsilon):
    real = w.dtype.type
    momentum, rate, decay = real(hyper[0]), real(hyper[1]), real(hyper[2])
    numbers = momentum, rate, decay, real(hyper[3]), epsilon
    for block in prange((w.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, w.size)
        arrays = w[lo:hi], dw[lo:hi], v[lo:hi], mean[lo:hi], square[lo:hi]
        _deviation_step(*arrays, *numbers)


@inlined_sum
def _column_squares(w, lo, hi, mean, total):
    """total[f] = sum over the rows k of (w[k, lo + f] - mean[f])**2, in float64."""
    fill(total, 0)
    if w.shape[1] == 1:  # a fully connected layer's filter is a contiguous row
        column, m = w.reshape(w.size), mean[0]
        s = 0.0
        for k in range(column.size):
            s += (column[k] - m) ** 2
        total[0] = s
        return
    for k in range(w.shape[0]):
        row = w[k, lo:hi]
        for f in range(row.size):
            d = row[f] - mean[f]
            total[f] += d * d


@inlined
def _column_means(w, lo, hi, mean):
    fill(mean, 0)
    for k in range(w.shape[0]):
        row = w[k, lo:hi]
        for f in range(row.size):
            mean[f] += row[f]
    for f in range(mean.size):
        mean[f] /= w.shape[0]


@inlined
def _scale_columns(w, lo, hi, factor):
    if w.shape[1] == 1:
        column, by = w.reshape(w.size), w.dtype.type(factor[0])
        for k in range(column.size):
            column[k] *= by
        return
    for k in range(w.shape[0]):
        row = w[k, lo:hi]
        for f in range(row.size):
            row[f] = row[f] * factor[f]


@inlined
def _factor(a, low, high):
    """What brings `a` into [low, high]; a bound of 0 is off, and a zero stays."""
    if low > 0 and 0 < a < low:
        return low / a
    if high > 0 and a > high:
        return high / a
    return 1.0


@called
def _rescale_group(w, mean, factor, lo, hi, centered, low, high):
    """Bring the norm (centered: the contrast) of each filter into [low, high]."""
    fill(mean, 0)
    if centered:
        _column_means(w, lo, hi, mean)
    _column_squares(w, lo, hi, mean, factor)
    for f in range(factor.size):
        size = np.sqrt(factor[f])
        factor[f] = _factor(size / w.shape[0] if centered else size, low, high)
    _scale_columns(w, lo, hi, factor)


@parallel
def _rescale_kernel(w3, sums, centered, low, high):
    blocks, _weights, filters = w3.shape
    groups = (filters + GROUP - 1) // GROUP
    for job in prange(blocks * groups):
        block, lo = np.int64(job) // groups, np.int64(job) % groups * GROUP
        hi = min(lo + GROUP, filters)
        mean, factor = sums[0, block, lo:hi], sums[1, block, lo:hi]
        _rescale_group(w3[block], mean, factor, lo, hi, centered, low, high)
