"""Updates of weights, and constraints on them.

Bytes a weight: sgd 20, by_deviation 36, scaled_add 12; constraints 12, of which 4 come from caches
if a filter fits there.
"""

import math

import numpy as np
from numba import cuda, float32

from convnet.backends.base import implements
from convnet.backends.cuda.jit import int32
from convnet.backends.cuda.kernels.rescale import rescale
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, launch_elementwise, vectorized
from convnet.operations import update

_ZERO = np.float32(0)


@implements(update.sgd)
def sgd(w, dw, v, hyper):
    return [launch_elementwise(_SGD, (w, dw, v), hyper)]


@implements(update.by_deviation)
def by_deviation(w, dw, v, mean, square, hyper, epsilon):
    return [launch_elementwise(_BY_DEVIATION, (w, dw, v, mean, square), hyper, float(epsilon))]


@implements(update.scaled_add)
def scaled_add(dw_from, dw_to, factor):
    return [launch_elementwise(_SCALED_ADD, (dw_from, dw_to), factor)]


@implements(update.weight_ball)
def weight_ball(w3, limit, always):
    low = limit if always else 0.0
    return [rescale(w3, False, low, limit)]


@implements(update.contrast)
def contrast(w3, low, high):
    return [rescale(w3, True, low, high)]


def _sgd(WIDTH):
    def sgd(w, dw, v, hyper, count):
        momentum, rate = np.float32(hyper[0]), np.float32(hyper[1])
        decay = np.float32(hyper[2])
        weights, gradients = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        moved = cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(weights, w, i, WIDTH)
            load_values(gradients, dw, i, WIDTH)
            load_values(moved, v, i, WIDTH)
            for k in range(WIDTH):
                moved[k] = momentum * moved[k] - rate * gradients[k] - decay * weights[k]
                weights[k] += moved[k]
            store_values(v, i, moved, WIDTH)
            store_values(w, i, weights, WIDTH)
            i = int32(i + step)

    return sgd


def _by_deviation(WIDTH):
    def by_deviation(w, dw, v, mean, square, hyper, epsilon, count):
        momentum, rate = np.float32(hyper[0]), np.float32(hyper[1])
        decay, scale = np.float32(hyper[2]), np.float32(hyper[3])
        rest = np.float32(1) - momentum
        weights, gradients = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        first, second = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        moved = cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(weights, w, i, WIDTH)
            load_values(gradients, dw, i, WIDTH)
            load_values(moved, v, i, WIDTH)
            load_values(first, mean, i, WIDTH)
            load_values(second, square, i, WIDTH)
            for k in range(WIDTH):
                g = -scale * gradients[k]
                first[k] = momentum * first[k] + rest * g
                second[k] = momentum * second[k] + rest * g * g
                room = second[k] - first[k] + epsilon
                deviation = np.float32(math.sqrt(room if room >= _ZERO else np.float32(math.nan)))
                slowed = np.float32(0.9) * moved[k] - rate * gradients[k] / deviation
                moved[k] = slowed - decay * weights[k]
                weights[k] += moved[k]
            store_values(mean, i, first, WIDTH)
            store_values(square, i, second, WIDTH)
            store_values(v, i, moved, WIDTH)
            store_values(w, i, weights, WIDTH)
            i = int32(i + step)

    return by_deviation


def _scaled_add(WIDTH):
    def scaled_add(source, target, factor, count):
        scale = np.float32(factor[0])
        v, old = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(v, source, i, WIDTH)
            load_values(old, target, i, WIDTH)
            for k in range(WIDTH):
                old[k] += scale * v[k]
            store_values(target, i, old, WIDTH)
            i = int32(i + step)

    return scaled_add


_SGD, _BY_DEVIATION, _SCALED_ADD = (
    vectorized(_sgd),
    vectorized(_by_deviation, blocks=3),
    vectorized(_scaled_add),
)
