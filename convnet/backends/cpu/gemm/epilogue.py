"""What is done to a product's results while they are in the cache: biases added, a neuron applied.

`finish` is everywhere (biases, kind, a, b): biases in the type of the results, kind a number of
neuron_kinds.  Empty biases mean that the results are left as they are.
"""

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import called, parallel
from convnet.backends.cpu.kernels.neuron_forward import apply
from convnet.backends.cpu.kernels.neuron_kinds import IDENT, KINDS, RELU


def as_finish(biases, kind, a, b):
    """`finish` for kernels from a call's arguments."""
    real = biases.dtype.type
    return biases, KINDS[kind], real(a), real(b)


def nothing(dtype):
    """The `finish` of results that stay as they are."""
    return np.empty(0, dtype), IDENT, dtype.type(0), dtype.type(0)


@called
def finish_row(row, index, finish):
    """row = f(row + biases[index])."""
    biases, kind, a, b = finish
    if not biases.size:
        return
    bias, zero = biases[index], row.dtype.type(0)
    if kind == RELU:  # the most frequent one in a single pass
        for n in range(row.size):
            value = row[n] + bias
            row[n] = zero if value <= zero else value
        return
    for n in range(row.size):
        row[n] += bias
    if kind != IDENT:
        apply(row, row, kind, a, b)


@parallel
def finish_rows(y, finish):
    """y[r] = f(y[r] + biases[r]).  y: (rows, columns)."""
    for row in prange(y.shape[0]):
        finish_row(y[row], row, finish)
