"""Max pooling across channels.

Pixels and cases are alike here, so images are treated as (channels, pixels * cases).
"""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ops.pool import end_of, end_over, first_of, first_over
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import cmpool


@implements(cmpool.forward)
def forward(x, y, size, stride, start):
    sizes = x.shape[0], y.size // y.shape[0], y.size, size, stride, start
    return [over(_forward, y.size, x, y, *sizes)]


@implements(cmpool.backward)
def backward(x, y, dy, dx, size, stride, start, accumulate):
    sizes = y.shape[0], x.size // x.shape[0], x.size, size, stride, start
    return [over(_backward, x.size, x, y, dy, dx, *sizes, accumulate)]


@kernel
def _forward(x, y, channels, columns, count, size, stride, start):
    for e in elements(count):
        o, j = split(e, columns)
        first = first_of(o, stride, start)
        best = x[first * columns + j]
        for c in range(first + 1, end_of(o, size, stride, start, channels)):
            v = x[c * columns + j]
            best = v if v > best or v != v else best  # a NaN stays
        y[e] = best


@kernel
def _backward(x, y, dy, dx, maps, columns, count, size, stride, start, accumulate):
    for e in elements(count):
        c, j = split(e, columns)
        total = dx[e] if accumulate else np.float32(0)
        for o in range(first_over(c, size, stride, start), end_over(c, stride, start, maps)):
            at = o * columns + j
            total += dy[at] if x[e] == y[at] else np.float32(0)
        dx[e] = total
