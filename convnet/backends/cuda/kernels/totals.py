"""The values of a cost: sums over the cases of the rows that kernels wrote, one value a case."""

import numpy as np
from numba import cuda, float64

from convnet.backends.cuda.jit import THREADS, kernel
from convnet.backends.cuda.kernels.reduce import block_sum
from convnet.backends.cuda.runtime.launch import Array, Launch, launch


def total(rows: Array, values: Array) -> Launch:
    """values[r] = the sum of rows[r, :].  rows: float64 (count, N); values: float64 (count,)."""
    return launch(_total, rows.shape[0], rows, values, rows.shape[1])


def case_rows(count: int, cases: int) -> tuple[tuple[int, int], type]:
    """Return what `parts_of` takes for `count` rows of float64, a value a case."""
    return (count, cases), np.float64


@kernel
def _total(rows, values, cases):
    row, part = cuda.blockIdx.x, float64(0)
    for n in range(cuda.threadIdx.x, cases, THREADS):
        part += rows[row * cases + n]
    whole = block_sum(part)
    if cuda.threadIdx.x == 0:
        values[row] = whole
