"""Channels that groups see, where they are listed instead of consecutive (dialect, 3.3)."""

import numpy as np
from numba import cuda

from convnet.backends.base import operation
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.runtime.launch import over


@operation(writes="y")
def gather(x, connections, y):
    """y[i] = x[connections[i]].  x, y: (channels, S, S, N); connections: int32, as many as y."""
    return [over(_gather, y.size, x, connections, y, y.size // y.shape[0], y.size)]


@operation(writes="dx")
def scatter(dy, connections, dx, accumulate):
    """dx[c] (+)= the sum of dy[i] over the i with connections[i] = c, in their order."""
    sizes = dy.shape[0], dx.size // dx.shape[0], dx.size, accumulate
    return [over(_scatter, dx.size, dy, connections, dx, *sizes)]


@kernel
def _gather(x, connections, y, columns, count):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        y[e] = x[connections[e // columns] * columns + e % columns]


@kernel
def _scatter(dy, connections, dx, rows, columns, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        c, j = e // columns, e % columns
        total = dx[e] if accumulate else np.float32(0)
        for i in range(rows):
            if connections[i] == c:
                total += dy[i * columns + j]
        dx[e] = total
