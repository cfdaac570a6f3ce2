"""The epilogue of a matrix product: biases and a neuron, applied to results in the cache."""

from typing import NamedTuple

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import called, parallel
from convnet.backends.cpu.kernels.neuron_in_place import address_of, apply_function
from convnet.backends.cpu.kernels.neuron_kinds import IDENT, KINDS, RELU


class Epilogue(NamedTuple):
    """What kernels do to a product's results.  Empty biases: nothing."""

    biases: np.ndarray  # in the type of the results
    kind: int  # of the neuron, a number of neuron_kinds
    a: np.floating  # the neuron's parameters
    b: np.floating
    function: np.int64 = np.int64(0)  # the address of the neuron's function, but for relu and ident


def epilogue_of(biases: np.ndarray, kind: str, a: float, b: float) -> Epilogue:
    """Return the epilogue of an operation, from its arguments."""
    number, real = KINDS[kind], biases.dtype.type
    function = np.int64(0) if number in (IDENT, RELU) else address_of(number, biases.dtype)
    return Epilogue(biases, number, real(a), real(b), function)


def no_epilogue(dtype: np.dtype) -> Epilogue:
    """Return the epilogue that leaves results as they are."""
    return Epilogue(np.empty(0, dtype), IDENT, dtype.type(0), dtype.type(0))


@called
def apply_epilogue(row, index, epilogue):
    """row = f(row + biases[index])."""
    biases, kind, a, b, function = epilogue
    if not biases.size:
        return
    bias, zero = biases[index], row.dtype.type(0)
    if kind == RELU:  # the most frequent kind, in a single pass
        for n in range(row.size):
            value = row[n] + bias
            row[n] = zero if value <= zero else value
        return
    for n in range(row.size):
        row[n] += bias
    if kind != IDENT:
        apply_function(function, row, a, b)


@parallel
def apply_epilogue_to_rows(y, epilogue):
    """y[r] = f(y[r] + biases[r]).  y: (rows, columns)."""
    for row in prange(y.shape[0]):
        apply_epilogue(y[row], row, epilogue)
