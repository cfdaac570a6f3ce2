"""Local response normalization within a channel.

Bytes a value: forward 12, backward 20, 24 where it adds; windows are read through the cache.
`normalize` and `normalize_backward` also serve cnorm, which sums other values than those it
divides.
"""

import numpy as np
from numba import cuda, float32

from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, int32, uint32
from convnet.backends.cuda.ptx.intrinsics import load_values, power, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, vectorized, width_of
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import rnorm

_ONE = np.float32(1)


@implements(rnorm.forward)
def forward(x, y, denominators, size, scale, power, k):
    return [normalize(x, x, y, denominators, size, scale, power, k)]


def normalize(summed, x, y, denom, size, scale, power, k):
    """`forward`, with the squares of `summed` in the denominators."""
    numbers = *x.shape[1:], size, x.size, float(scale), float(-power), float(k)
    width = width_of(x.shape[3], summed, x, y, denom)
    return over(_FORWARD[width], x.size // width, summed, x, y, denom, *numbers)


@implements(rnorm.backward)
def backward(x, y, dy, denominators, dx, size, scale, power, accumulate):
    return [normalize_backward(x, y, dy, denominators, dx, size, scale, power, accumulate)]


def normalize_backward(summed, y, dy, denom, dx, size, scale, power, accumulate):
    """`backward`, with `summed` in place of the factor x_i."""
    sizes = *y.shape[1:], size, y.size
    numbers = float(2 * scale * power), float(-power), accumulate
    width = width_of(y.shape[3], summed, y, dy, denom, dx)
    return over(_BACKWARD[width], y.size // width, summed, y, dy, denom, dx, *sizes, *numbers)


@device_function
def _places(i, cases, height, width):
    """Row and column of element i."""
    place = uint32(i) // uint32(cases)
    return int32(uint32(place) // uint32(width) % uint32(height)), int32(place % uint32(width))


def _forward(WIDTH):
    def rnorm_forward(summed, x, y, denom, height, width, cases, size, count, scale, exponent, k):
        v, total = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        e, step = grid_stride(WIDTH)
        while e < count:
            i, j = _places(e, cases, height, width)
            top, left = i - size // 2, j - size // 2
            for w in range(WIDTH):
                total[w] = np.float32(0)
            for r in range(max(top, 0), min(top + size, height)):
                for s in range(max(left, 0), min(left + size, width)):
                    load_values(v, summed, e + ((r - i) * width + s - j) * cases, WIDTH)
                    for w in range(WIDTH):
                        total[w] += v[w] * v[w]
            load_values(v, x, e, WIDTH)
            for w in range(WIDTH):
                total[w] = k + scale * total[w]
                v[w] *= power(total[w], exponent)
            store_values(denom, e, total, WIDTH)
            store_values(y, e, v, WIDTH)
            e = int32(e + step)

    return rnorm_forward


def _backward(WIDTH):
    def rnorm_backward(
        x, y, dy, denom, dx, height, width, cases, size, count, factor, exponent, accumulate
    ):
        out, given = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        d, total = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        lean = size - size // 2 - 1  # of the transposed window
        e, step = grid_stride(WIDTH)
        while e < count:
            i, j = _places(e, cases, height, width)
            top, left = i - lean, j - lean
            for w in range(WIDTH):
                total[w] = np.float32(0)
            for r in range(max(top, 0), min(top + size, height)):
                for s in range(max(left, 0), min(left + size, width)):
                    at = int32(e + ((r - i) * width + s - j) * cases)
                    load_values(out, y, at, WIDTH)
                    load_values(given, dy, at, WIDTH)
                    load_values(d, denom, at, WIDTH)
                    for w in range(WIDTH):
                        total[w] += given[w] * out[w] * power(d[w], -_ONE)
            load_values(out, x, e, WIDTH)
            load_values(given, dy, e, WIDTH)
            load_values(d, denom, e, WIDTH)
            for w in range(WIDTH):
                g = given[w] * power(d[w], exponent) - factor * out[w] * total[w]
                total[w] = g
            if accumulate:
                load_values(out, dx, e, WIDTH)
                for w in range(WIDTH):
                    total[w] += out[w]
            store_values(dx, e, total, WIDTH)
            e = int32(e + step)

    return rnorm_backward


_FORWARD, _BACKWARD = vectorized(_forward, blocks=5), vectorized(_backward, blocks=4)
