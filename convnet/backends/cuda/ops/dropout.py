"""Dropout, with the mask of the CPU backend.

u < keep is decided exactly, between integers.  A thread samples four elements at a time.  Bytes a
value: forward and backward 9, 13 where it adds; one of them is the mask.
"""

import math

import numpy as np
from numba import cuda, float32, uint8

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, int32, uint32
from convnet.backends.cuda.kernels.philox import words
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import (
    grid_stride,
    launch_elementwise,
    vectorized,
    width_of,
)
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import dropout


@implements(dropout.forward)
def forward(x, y, mask, keep, scale, random):
    kernel = _FORWARD[width_of(x.size, x, y, mask)]
    threshold = math.ceil(keep * 2**24)
    return [over(kernel, ceil_div(x.size, 4), x, y, mask, threshold, float(scale), random, x.size)]


@implements(dropout.backward)
def backward(dy, mask, dx, scale, accumulate):
    return [launch_elementwise(_BACKWARD, (dy, mask, dx), float(scale), accumulate)]


@device_function
def _is_kept(word, threshold):
    return int32(uint32(word) >> 8) < threshold


def _forward(WIDTH):
    def dropout_forward(x, y, mask, threshold, scale, random, count):
        v, drawn = cuda.local.array(WIDTH, float32), cuda.local.array(4, uint8)
        kept = cuda.local.array(WIDTH, uint8)
        i, step = grid_stride(4)
        while i < count:
            w0, w1, w2, w3 = words(i // 4, random)
            drawn[0], drawn[1] = _is_kept(w0, threshold), _is_kept(w1, threshold)
            drawn[2], drawn[3] = _is_kept(w2, threshold), _is_kept(w3, threshold)
            for lane in range(0, 4, WIDTH):
                e = int32(i + lane)
                if e < count:
                    load_values(v, x, e, WIDTH)
                    for k in range(WIDTH):
                        kept[k] = drawn[lane + k]
                        v[k] = v[k] * scale if kept[k] else np.float32(0)
                    store_values(mask, e, kept, WIDTH)
                    store_values(y, e, v, WIDTH)
            i = int32(i + step)

    return dropout_forward


def _backward(WIDTH):
    def dropout_backward(dy, mask, dx, scale, accumulate, count):
        v, kept = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, uint8)
        old = cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(v, dy, i, WIDTH)
            load_values(kept, mask, i, WIDTH)
            if accumulate:
                load_values(old, dx, i, WIDTH)
            for k in range(WIDTH):
                g = v[k] * scale if kept[k] else np.float32(0)
                v[k] = old[k] + g if accumulate else g
            store_values(dx, i, v, WIDTH)
            i = int32(i + step)

    return dropout_backward


_FORWARD, _BACKWARD = vectorized(_forward), vectorized(_backward)
