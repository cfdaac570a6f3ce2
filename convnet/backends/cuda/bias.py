"""Biases: one number for each row of the outputs (dialect, 3.3).

y is (rows, columns): (outputs, N), or (F, M * M * N) where a filter's modules share their bias.
"""

import numpy as np
from numba import cuda, float64

from convnet.backends.base import operation

from .compiling import THREADS, kernel
from .launch import MOST_BLOCKS, bytes_of, launch, over, parts_of
from .reduce import block_sum

_LONG = 16 * THREADS  # columns of a row for which one block is enough
_MOST_PARTS = 32


@operation(writes="y")
def forward(b, y):
    """y[r, :] += b[r]."""
    rows, columns = y.shape
    across = max(1, min(-(-columns // THREADS), -(-MOST_BLOCKS // rows)))
    return [launch(_forward, (across, min(rows, 65535)), b, y, rows, columns)]


def _parts(dy, *_others):
    rows, columns = dy.shape
    return ((rows, min(_MOST_PARTS, -(-columns // _LONG))), np.float64)


@operation(writes="db", scratch=lambda *args: bytes_of(_parts(*args)))
def grad(dy, db, accumulate, *, scratch):
    """db[r] (+)= the sum of dy[r, :].  Long rows are summed by several blocks."""
    (parts,) = parts_of(scratch, _parts(dy))
    rows, columns = dy.shape
    count = parts.shape[1]
    return [
        launch(_row_parts, (count, min(rows, 65535)), dy, parts, rows, columns, count),
        over(_join_parts, rows, parts, db, rows, count, accumulate),
    ]


@kernel
def _forward(b, y, rows, columns):
    for row in range(cuda.blockIdx.y, rows, cuda.gridDim.y):
        value = b[row]
        first = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
        for j in range(first, columns, cuda.gridDim.x * cuda.blockDim.x):
            y[row * columns + j] += value


@kernel
def _row_parts(dy, parts, rows, columns, count):
    for row in range(cuda.blockIdx.y, rows, cuda.gridDim.y):
        part = float64(0)
        first = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
        for j in range(first, columns, count * cuda.blockDim.x):
            part += float64(dy[row * columns + j])
        whole = block_sum(part)
        if cuda.threadIdx.x == 0:
            parts[row * count + cuda.blockIdx.x] = whole


@kernel
def _join_parts(parts, db, rows, count, accumulate):
    for row in range(cuda.grid(1), rows, cuda.gridsize(1)):
        whole = float64(db[row]) if accumulate else float64(0)
        for part in range(count):
            whole += parts[row * count + part]
        db[row] = whole
