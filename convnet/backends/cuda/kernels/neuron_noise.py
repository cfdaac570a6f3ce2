"""The neuron nrelu: noise is added to relu(x), with standard deviation sqrt(relu(x))."""

import math

import numpy as np
from numba import cuda, float32

from convnet.backends.cuda.jit import device_function, int32
from convnet.backends.cuda.kernels.philox import uniform, words
from convnet.backends.cuda.ptx.intrinsics import cospi, load_values, sinpi, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, vectorized

_ZERO, _TWO = np.float32(0), np.float32(2)


@device_function
def _put_normal(noise, first, word, next_word):
    """noise[first], noise[first + 1] = two standard normal numbers, from two words (Box-Muller)."""
    radius = np.float32(math.sqrt(-_TWO * np.float32(math.log(_above_zero(word)))))
    angle = _TWO * _above_zero(next_word)
    noise[first], noise[first + 1] = radius * cospi(angle), radius * sinpi(angle)


@device_function
def _above_zero(word):
    return uniform(word) + np.float32(2.0**-24)


@device_function
def _noisy_relu(x, noise):
    r = _ZERO if x <= _ZERO else x
    v = r + np.float32(math.sqrt(r)) * noise
    return _ZERO if v <= _ZERO else v


def _noisy(WIDTH):
    def noisy(x, y, random, count):
        v, noise = cuda.local.array(WIDTH, float32), cuda.local.array(4, float32)
        i, step = grid_stride(4)
        while i < count:
            w0, w1, w2, w3 = words(i // 4, random)
            _put_normal(noise, 0, w0, w1)
            _put_normal(noise, 2, w2, w3)
            for lane in range(0, 4, WIDTH):
                e = int32(i + lane)
                if e < count:
                    load_values(v, x, e, WIDTH)
                    for k in range(WIDTH):
                        v[k] = _noisy_relu(v[k], noise[lane + k])
                    store_values(y, e, v, WIDTH)
            i = int32(i + step)

    return noisy


NOISY = vectorized(_noisy)
