"""Pixels at a regular grid of an image."""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
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
    for e in elements(count):
        row, n = split(e, cases)
        row, j = split(row, side)
        c, i = split(row, side)
        y[e] = x[((c * height + start + i * stride) * width + start + j * stride) * cases + n]


@kernel
def _backward(dy, dx, height, width, side, cases, stride, start, count, accumulate):
    for e in elements(count):
        row, n = split(e, cases)
        row, px = split(row, width)
        c, py = split(row, height)
        j, across = split(max(px - start, 0), stride)
        i, down = split(max(py - start, 0), stride)
        g = np.float32(0)
        on_grid = px >= start and py >= start and across == 0 and down == 0
        if on_grid and j < side and i < side:
            g = dy[((c * side + i) * side + j) * cases + n]
        dx[e] = dx[e] + g if accumulate else g
