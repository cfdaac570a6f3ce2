"""Pixels at a regular grid of an image."""

import numpy as np
from numba import cuda

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import nailbed


@implements(nailbed.forward)
def forward(x, y, stride, start):
    sizes = x.shape[1], x.shape[2], y.shape[1], y.shape[3]
    return [over(_forward, y.size, x, y, *sizes, stride, start, y.size)]


@implements(nailbed.backward)
def backward(dy, dx, stride, start, accumulate):
    sizes = dx.shape[1], dx.shape[2], dy.shape[1], dy.shape[3]
    return [over(_backward, dx.size, dy, dx, *sizes, stride, start, dx.size, accumulate)]


@kernel
def _forward(x, y, height, width, side, cases, stride, start, count):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        n, place = e % cases, e // cases
        j, i, c = place % side, place // side % side, place // side // side
        y[e] = x[((c * height + start + i * stride) * width + start + j * stride) * cases + n]


@kernel
def _backward(dy, dx, height, width, side, cases, stride, start, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        n, place = e % cases, e // cases
        px, py, c = place % width - start, place // width % height - start, place // width // height
        g = np.float32(0)
        on_grid = px >= 0 and py >= 0 and px % stride == 0 and py % stride == 0
        if on_grid and px // stride < side and py // stride < side:
            g = dy[((c * side + py // stride) * side + px // stride) * cases + n]
        dx[e] = dx[e] + g if accumulate else g
