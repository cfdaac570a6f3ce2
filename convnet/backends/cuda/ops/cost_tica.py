"""Topographic independent component analysis."""

import math

import numpy as np
from numba import cuda, float64

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import THREADS, kernel
from convnet.backends.cuda.kernels.reduce import block_sum
from convnet.backends.cuda.kernels.totals import total
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import bytes_of, launch, over, parts_of
from convnet.operations import cost_tica

OFFSET = 0.001
_BLOCKS = 256


def _parts(x, *_others):
    return (1, min(_BLOCKS, ceil_div(x.size, THREADS))), np.float64


@implements(cost_tica.forward, scratch=lambda *args: bytes_of(_parts(*args)))
def forward(x, inverse, values, size, *, scratch):
    (parts,) = parts_of(scratch, _parts(x))
    sizes = x.shape[1], x.shape[3], size, x.size
    return [launch(_forward, parts.size, x, inverse, parts, *sizes), total(parts, values)]


@implements(cost_tica.backward)
def backward(x, inverse, dx, size, coeff, accumulate):
    sizes = x.shape[1], x.shape[3], size, x.size
    return [over(_backward, x.size, x, inverse, dx, float(coeff), *sizes, accumulate)]


@kernel
def _forward(x, inverse, parts, side, cases, size, count):
    part = float64(0)
    for e in elements(count):
        row, j = split(split(e, cases)[0], side)
        _, i = split(row, side)
        top, left = i - size // 2, j - size // 2
        squares = np.float32(0)
        for r in range(max(top, 0), min(top + size, side)):
            for s in range(max(left, 0), min(left + size, side)):
                v = x[e + ((r - i) * side + s - j) * cases]
                squares += v * v
        value = 1 / (OFFSET + math.sqrt(float64(squares)))
        inverse[e] = value
        part += value
    whole = block_sum(part)
    if cuda.threadIdx.x == 0:
        parts[cuda.blockIdx.x] = whole


@kernel
def _backward(x, inverse, dx, coeff, side, cases, size, count, accumulate):
    for e in elements(count):
        row, j = split(split(e, cases)[0], side)
        _, i = split(row, side)
        top, left = i - size // 2, j - size // 2
        total = np.float32(0)
        for r in range(max(top, 0), min(top + size, side)):
            for s in range(max(left, 0), min(left + size, side)):
                total += inverse[e + ((r - i) * side + s - j) * cases]
        g = coeff * x[e] * total
        dx[e] = dx[e] + g if accumulate else g
