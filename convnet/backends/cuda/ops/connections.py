"""Channels that the groups of a convolution see, where they are listed."""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import connections


@implements(connections.gather)
def gather(x, connections, y):
    return [over(_gather, y.size, x, connections, y, y.size // y.shape[0], y.size)]


@implements(connections.scatter)
def scatter(dy, connections, dx, accumulate):
    sizes = dy.shape[0], dx.size // dx.shape[0], dx.size, accumulate
    return [over(_scatter, dx.size, dy, connections, dx, *sizes)]


@kernel
def _gather(x, connections, y, columns, count):
    for e in elements(count):
        row, j = split(e, columns)
        y[e] = x[connections[row] * columns + j]


@kernel
def _scatter(dy, connections, dx, rows, columns, count, accumulate):
    for e in elements(count):
        c, j = split(e, columns)
        total = dx[e] if accumulate else np.float32(0)
        for i in range(rows):
            if connections[i] == c:
                total += dy[i * columns + j]
        dx[e] = total
