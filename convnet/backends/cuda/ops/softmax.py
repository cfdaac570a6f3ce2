"""Softmax over all classes of a case: a block takes a group of cases.

Threads lie in LANES columns of cases, so that neighbors read neighboring cases; the threads of a
column share its classes.  A thread holds HELD of them in registers, and reads the others again from
the cache.  Bytes a value: forward 8, backward 12, 16 where it adds.
"""

import math

import numpy as np
from numba import cuda, float32, float64

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import SIMULATED, kernel
from convnet.backends.cuda.kernels.reduce import lanes_max, lanes_sum
from convnet.backends.cuda.runtime.launch import launch
from convnet.operations import softmax

LANES = 8
THREADS = 32 if SIMULATED else 1024
TEAM = THREADS // LANES
HELD = 2 if SIMULATED else 8
_REST = HELD * TEAM  # the first class that is not held


@implements(softmax.forward)
def forward(x, y):
    return [launch(_forward, ceil_div(x.shape[1], LANES), x, y, x.shape[0], x.shape[1])]


@implements(softmax.backward)
def backward(y, dy, dx, accumulate):
    classes, cases = y.shape
    return [launch(_backward, ceil_div(cases, LANES), y, dy, dx, classes, cases, accumulate)]


@kernel(threads=THREADS)
def _forward(x, y, classes, cases):
    held = cuda.local.array(HELD, float32)
    n = cuda.blockIdx.x * LANES + cuda.threadIdx.x % LANES
    member = cuda.threadIdx.x // LANES
    end = classes if n < cases else 0
    top = np.float32(-math.inf)
    for r in range(HELD):
        c = member + r * TEAM
        held[r] = x[c * cases + n] if c < end else np.float32(-math.inf)
        top = held[r] if held[r] > top else top
    for c in range(member + _REST, end, TEAM):
        v = x[c * cases + n]
        top = v if v > top else top
    top = lanes_max(top, LANES)
    part = float64(0)
    for r in range(HELD):
        if member + r * TEAM < end:
            held[r] = math.exp(held[r] - top)
            part += float64(held[r])
    for c in range(member + _REST, end, TEAM):
        part += float64(math.exp(x[c * cases + n] - top))
    whole = np.float32(lanes_sum(part, LANES))
    for r in range(HELD):
        c = member + r * TEAM
        if c < end:
            y[c * cases + n] = held[r] / whole
    for c in range(member + _REST, end, TEAM):
        e = c * cases + n
        y[e] = math.exp(x[e] - top) / whole


@kernel(threads=THREADS)
def _backward(y, dy, dx, classes, cases, accumulate):
    out, given = cuda.local.array(HELD, float32), cuda.local.array(HELD, float32)
    n = cuda.blockIdx.x * LANES + cuda.threadIdx.x % LANES
    member = cuda.threadIdx.x // LANES
    end = classes if n < cases else 0
    part = float64(0)
    for r in range(HELD):
        c = member + r * TEAM
        out[r] = y[c * cases + n] if c < end else np.float32(0)
        given[r] = dy[c * cases + n] if c < end else np.float32(0)
        part += float64(out[r]) * float64(given[r])
    for c in range(member + _REST, end, TEAM):
        e = c * cases + n
        part += float64(y[e]) * float64(dy[e])
    whole = lanes_sum(part, LANES)
    for r in range(HELD):
        c = member + r * TEAM
        if c < end:
            e = c * cases + n
            g = out[r] * np.float32(float64(given[r]) - whole)
            dx[e] = dx[e] + g if accumulate else g
    for c in range(member + _REST, end, TEAM):
        e = c * cases + n
        g = y[e] * np.float32(float64(dy[e]) - whole)
        dx[e] = dx[e] + g if accumulate else g
