"""Maximum over inputs of equal size, taken one input at a time (dialect, 3.7)."""

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .launch import over


@operation(writes="y")
def forward(x, y, first):
    """y = x for the first input, max(y, x) for the others.  x, y: the same shape."""
    return [over(_forward, x.size, x, y, first, x.size)]


@operation(writes="dx")
def backward(x, y, dy, dx, accumulate):
    """dx (+)= dy where x equals the maximum y; every equal input receives all of it."""
    return [over(_backward, x.size, x, y, dy, dx, x.size, accumulate)]


@kernel
def _forward(x, y, first, count):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        v = x[e]
        if first or v > y[e] or v != v:  # a NaN stays
            y[e] = v


@kernel
def _backward(x, y, dy, dx, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        g = dy[e] if x[e] == y[e] else np.float32(0)
        dx[e] = dx[e] + g if accumulate else g
