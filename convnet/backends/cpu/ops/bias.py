"""Biases: one number for each row of the outputs (dialect, 3.3).

y is (rows, columns): (outputs, N), or (F, M * M * N) where a filter's modules share their bias.
"""

from numba import prange

from convnet.backends.cpu.jit import exact
from convnet.compiling.kernels import kernel
from convnet.compiling.replay import repeatable


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
def forward(b, y):
    """y[r, :] += b[r]."""
    _forward_kernel(b, y)


@repeatable
def grad(dy, db, accumulate):
    """db[r] (+)= the sum of dy[r, :]."""
    _grad_kernel(dy, db, accumulate)
