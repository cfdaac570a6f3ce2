"""Sum of squares."""

import numpy as np
from numba import cuda, float64

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import THREADS, kernel
from convnet.backends.cuda.kernels.reduce import block_sum
from convnet.backends.cuda.kernels.totals import total
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import bytes_of, launch, over, parts_of
from convnet.operations import cost_sum2

_BLOCKS = 256


def _parts(x, *_others):
    return ((1, min(_BLOCKS, ceil_div(x.size, THREADS))), np.float64)


@implements(cost_sum2.forward, scratch=lambda *args: bytes_of(_parts(*args)))
def forward(x, values, *, scratch):
    (parts,) = parts_of(scratch, _parts(x))
    return [launch(_squares, parts.size, x, parts, x.size), total(parts, values)]


@implements(cost_sum2.backward)
def backward(x, dx, coeff, accumulate):
    return [over(_backward, x.size, x, dx, 2.0 * coeff, x.size, accumulate)]


@kernel
def _squares(x, parts, count):
    part = float64(0)
    for e in elements(count):
        part += float64(x[e]) * float64(x[e])
    whole = block_sum(part)
    if cuda.threadIdx.x == 0:
        parts[cuda.blockIdx.x] = whole


@kernel
def _backward(x, dx, factor, count, accumulate):
    for e in elements(count):
        g = factor * x[e]
        dx[e] = dx[e] + g if accumulate else g
