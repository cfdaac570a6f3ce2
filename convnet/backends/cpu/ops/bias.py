"""Biases."""

from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import exact
from convnet.compiling.kernels import kernel
from convnet.compiling.replay import repeatable
from convnet.operations import bias


@exact
def _forward_kernel(b, y):
    for row in prange(y.shape[0]):
        target, value = y[row], b[row]
        for j in range(target.size):
            target[j] += value


@kernel(parallel=True, nogil=True, fastmath={"reassoc", "nsz"})
def _grad_kernel(dy, db, accumulate):
    for row in prange(dy.shape[0]):
        source, total = dy[row], 0.0  # float64: a row may have a million terms
        for j in range(source.size):
            total += source[j]
        db[row] = db[row] + total if accumulate else total


@repeatable
@implements(bias.forward)
def forward(b, y):
    _forward_kernel(b, y)


@repeatable
@implements(bias.grad)
def grad(dy, db, accumulate):
    _grad_kernel(dy, db, accumulate)
