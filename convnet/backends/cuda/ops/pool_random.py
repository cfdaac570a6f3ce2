"""Random pooling, with the samples of the CPU backend."""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, kernel
from convnet.backends.cuda.kernels.philox import words
from convnet.backends.cuda.ops.pool import end_of, first_of
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import pool_random

_UNUSED_BITS = np.uint64(8)
_ZERO = np.float32(0)


@implements(pool_random.forward)
def forward(x, y, size, stride, start, random):
    sizes = *x.shape[1:], y.shape[1], size, stride, start, y.size
    return [over(_forward, y.size, x, y, random, *sizes)]


@device_function
def _positive(v):
    return _ZERO if v <= _ZERO else v


@device_function
def _pick(x, base, rows, columns, row_step, cases, u):
    """The value that u picks from a window whose first pixel is x[base]."""
    total = _ZERO
    for r in range(rows):
        for s in range(columns):
            total += _positive(x[base + r * row_step + s * cases])
    if not total - total == _ZERO:
        return total  # not finite: let it be seen
    running, goal = _ZERO, u * total
    for r in range(rows):
        for s in range(columns):
            v = x[base + r * row_step + s * cases]
            running += _positive(v)
            if running > goal:
                return v
    return x[base]


@kernel
def _forward(x, y, random, height, width, cases, outputs, size, stride, start, count):
    for e in elements(count):
        place, n = split(e, cases)
        place, ox = split(place, outputs)
        c, oy = split(place, outputs)
        top, left = first_of(oy, stride, start), first_of(ox, stride, start)
        rows = end_of(oy, size, stride, start, height) - top
        columns = end_of(ox, size, stride, start, width) - left
        w0, w1, w2, w3 = words(e >> 2, random)
        lane = e & 3
        word = (w0 if lane == 0 else w1) if lane < 2 else (w2 if lane == 2 else w3)
        u = np.float32(word >> _UNUSED_BITS) * np.float32(2.0**-24)
        base = ((c * height + top) * width + left) * cases + n
        y[e] = _pick(x, base, rows, columns, width * cases, cases, u)
