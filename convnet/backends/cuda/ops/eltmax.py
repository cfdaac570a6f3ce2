"""Maximum over inputs of equal size, taken one more input at a time.

Bytes a value: forward 12; backward 16, 20 where it adds.
"""

import numpy as np
from numba import cuda, float32

from convnet.backends.base import implements
from convnet.backends.cuda.jit import int32
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, launch_elementwise, vectorized
from convnet.operations import eltmax


@implements(eltmax.forward)
def forward(a, b, y):
    return [launch_elementwise(_FORWARD, (a, b, y))]


@implements(eltmax.backward)
def backward(x, y, dy, dx, accumulate):
    return [launch_elementwise(_BACKWARD, (x, y, dy, dx), accumulate)]


def _forward(WIDTH):
    def eltmax_forward(a, b, y, count):
        v, old = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(old, a, i, WIDTH)
            load_values(v, b, i, WIDTH)
            for k in range(WIDTH):
                larger = v[k] > old[k] or v[k] != v[k]  # a NaN stays
                v[k] = v[k] if larger else old[k]
            store_values(y, i, v, WIDTH)
            i = int32(i + step)

    return eltmax_forward


def _backward(WIDTH):
    def eltmax_backward(x, y, dy, dx, accumulate, count):
        v, out = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        d, old = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(v, x, i, WIDTH)
            load_values(out, y, i, WIDTH)
            load_values(d, dy, i, WIDTH)
            if accumulate:
                load_values(old, dx, i, WIDTH)
            for k in range(WIDTH):
                g = d[k] if v[k] == out[k] else np.float32(0)
                d[k] = old[k] + g if accumulate else g
            store_values(dx, i, d, WIDTH)
            i = int32(i + step)

    return eltmax_backward


_FORWARD, _BACKWARD = vectorized(_forward), vectorized(_backward)
