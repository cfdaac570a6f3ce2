"""Scaled copies and sums: eltsum, concat, copies, dropout in a test, sums of gradients."""

from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .launch import over


@operation(writes="y")
def scale(x, y, factor, accumulate):
    """y (+)= factor * x.  x, y: the same shape, may be one array."""
    return [over(_scale, y.size, x, y, float(factor), y.size, accumulate)]


@kernel
def _scale(x, y, factor, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        v = factor * x[e]
        y[e] = y[e] + v if accumulate else v
