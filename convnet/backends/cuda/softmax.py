"""Softmax over all classes of a case (dialect, 3.7): a block takes a group of cases.

Threads lie in `LANES` columns of cases, so that neighbours read neighbouring cases, and the rest of
a block shares the classes of a case.
"""

import math

import numpy as np
from numba import cuda, float32, float64

from convnet.backends.base import operation

from .compiling import THREADS, kernel
from .launch import launch

LANES = 8
_TEAM = THREADS // LANES


@operation(writes="y")
def forward(x, y):
    """y = exp(x - max) / sum of them, per column.  x, y: (classes, N), may be one array."""
    return [launch(_forward, -(-x.shape[1] // LANES), x, y, x.shape[0], x.shape[1])]


@operation(writes="dx")
def backward(y, dy, dx, accumulate):
    """dx_i (+)= y_i * (dy_i - sum of dy_j * y_j), per column.

    dx may be dy, unless accumulating.
    """
    classes, cases = y.shape
    return [launch(_backward, -(-cases // LANES), y, dy, dx, classes, cases, accumulate)]


@kernel
def _forward(x, y, classes, cases):
    largest = cuda.shared.array(THREADS, float32)
    sums = cuda.shared.array(THREADS, float64)
    t = cuda.threadIdx.x
    lane, member = t % LANES, t // LANES
    n = cuda.blockIdx.x * LANES + lane
    inside = n < cases
    if inside:
        top = x[n]
        for c in range(member, classes, _TEAM):
            v = x[c * cases + n]
            top = v if v > top else top
        largest[t] = top
    cuda.syncthreads()
    part = float64(0)
    if inside:
        top = largest[lane]
        for m in range(1, _TEAM):
            v = largest[m * LANES + lane]
            top = v if v > top else top
        for c in range(member, classes, _TEAM):
            part += float64(math.exp(x[c * cases + n] - top))
    sums[t] = part
    cuda.syncthreads()
    if inside:
        whole = float64(0)
        for m in range(_TEAM):
            whole += sums[m * LANES + lane]
        scale = np.float32(whole)
        for c in range(member, classes, _TEAM):
            e = c * cases + n
            y[e] = math.exp(x[e] - top) / scale


@kernel
def _backward(y, dy, dx, classes, cases, accumulate):
    sums = cuda.shared.array(THREADS, float64)
    t = cuda.threadIdx.x
    lane, member = t % LANES, t // LANES
    n = cuda.blockIdx.x * LANES + lane
    inside = n < cases
    part = float64(0)
    if inside:
        for c in range(member, classes, _TEAM):
            e = c * cases + n
            part += float64(y[e]) * float64(dy[e])
    sums[t] = part
    cuda.syncthreads()
    if inside:
        whole = float64(0)
        for m in range(_TEAM):
            whole += sums[m * LANES + lane]
        for c in range(member, classes, _TEAM):
            e = c * cases + n
            g = y[e] * np.float32(float64(dy[e]) - whole)
            dx[e] = dx[e] + g if accumulate else g
