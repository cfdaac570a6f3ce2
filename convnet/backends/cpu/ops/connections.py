"""Channels that the groups of a convolution see, where they are listed."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.rows import copy_row, fill
from convnet.compiling.replay import repeatable
from convnet.operations import connections


@repeatable
@implements(connections.gather)
def gather(x, connections, y):
    _gather_kernel(x.reshape(len(x), -1), connections, y.reshape(len(y), -1))


@repeatable
@implements(connections.scatter)
def scatter(dy, connections, dx, accumulate):
    _scatter_kernel(dy.reshape(len(dy), -1), connections, dx.reshape(len(dx), -1), accumulate)


@inlined
def _add_row(source, target):
    for n in range(target.size):
        target[n] += source[n]


@parallel
def _gather_kernel(x, connections, y):
    for i in prange(connections.size):
        copy_row(x[np.int64(connections[i])], y[i])


@parallel
def _scatter_kernel(dy, connections, dx, accumulate):
    for c in prange(len(dx)):
        if not accumulate:
            fill(dx[c], 0)
        for i in range(connections.size):
            if connections[i] == c:
                _add_row(dy[i], dx[c])
