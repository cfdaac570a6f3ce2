"""Local response normalization across channels.

Pixels and cases are alike here: a thread takes columns of (channels, pixels * cases).  Windows of a
few channels move with it in registers (`cmrnorm_ring`), and the denominators are recomputed: bytes
a value 8 forward, 12 backward, 16 where it adds.  Long and blocked windows are read through the
cache by the kernels below, which keep the denominators: 12 and 20, 24 where it adds.
"""

import numpy as np
from numba import cuda

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import THREADS, device_function, kernel
from convnet.backends.cuda.kernels import cmrnorm_ring
from convnet.backends.cuda.ptx.indices import split
from convnet.backends.cuda.ptx.intrinsics import power
from convnet.backends.cuda.runtime.launch import launch
from convnet.operations import cmrnorm

_PIECE = 16  # channels that a thread walks along


def _unused_forward(x, y, denominators, size, scale, power, k, blocked):
    return "denominators" if cmrnorm_ring.fits(size, blocked) else ""


def _unused_backward(x, y, dy, denominators, dx, size, *numbers):
    *_, blocked, _accumulate = numbers
    return "y denominators" if cmrnorm_ring.fits(size, blocked) else ""


@implements(cmrnorm.forward, unused=_unused_forward)
def forward(x, y, denominators, size, scale, power, k, blocked):
    if cmrnorm_ring.fits(size, blocked):
        return [cmrnorm_ring.forward(x, y, size, scale, power, k)]
    channels, columns = _sizes(x)
    lean = 0 if blocked else size // 2
    numbers = size, lean, float(scale), float(-power), float(k), blocked
    return [launch(_forward, _grid(x), x, y, denominators, channels, columns, *numbers)]


@implements(cmrnorm.backward, unused=_unused_backward)
def backward(x, y, dy, denominators, dx, size, scale, power, k, blocked, accumulate):
    if cmrnorm_ring.fits(size, blocked):
        return [cmrnorm_ring.backward(x, dy, dx, size, scale, power, k, accumulate)]
    channels, columns = _sizes(x)
    lean = 0 if blocked else size - size // 2 - 1  # of the transposed window
    numbers = size, lean, float(2 * scale * power), float(-power), blocked, accumulate
    return [launch(_backward, _grid(x), x, y, dy, denominators, dx, channels, columns, *numbers)]


def _sizes(x):
    return x.shape[0], x.size // x.shape[0]


def _grid(x):
    channels, columns = _sizes(x)
    return ceil_div(columns, THREADS), ceil_div(channels, _PIECE)


@device_function
def window_start(c, size, lean, blocked):
    return c - split(c, size)[1] if blocked else max(c - lean, 0)


@device_function
def window_end(c, size, lean, blocked, channels):
    first = c - split(c, size)[1] if blocked else c - lean
    return min(first + size, channels)


@kernel
def _forward(x, y, denom, channels, columns, size, lean, scale, exponent, k, blocked):
    j = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if j >= columns:
        return
    first = cuda.blockIdx.y * _PIECE
    for c in range(first, min(first + _PIECE, channels)):
        total = np.float32(0)
        for i in range(
            window_start(c, size, lean, blocked), window_end(c, size, lean, blocked, channels)
        ):
            v = x[i * columns + j]
            total += v * v
        d = k + scale * total
        e = c * columns + j
        denom[e] = d
        y[e] = x[e] * power(d, exponent)


@kernel
def _backward(
    x, y, dy, denom, dx, channels, columns, size, lean, factor, exponent, blocked, accumulate
):
    j = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if j >= columns:
        return
    first = cuda.blockIdx.y * _PIECE
    for c in range(first, min(first + _PIECE, channels)):
        total = np.float32(0)
        for i in range(
            window_start(c, size, lean, blocked), window_end(c, size, lean, blocked, channels)
        ):
            e = i * columns + j
            total += dy[e] * y[e] / denom[e]
        e = c * columns + j
        g = dy[e] * power(denom[e], exponent) - factor * x[e] * total
        dx[e] = dx[e] + g if accumulate else g
