"""Typed arrays cut out of one flat scratch buffer.

A function that needs scratch lists its parts once, as (shape, dtype) pairs, for a number of
threads; both the size it announces and the arrays it uses come from that list.
"""

from math import prod

import numba
import numpy as np

_ALIGNMENT = 64


def _bytes(shape, dtype) -> int:
    size = prod(shape) * np.dtype(dtype).itemsize
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def total_bytes(parts) -> int:
    """Bytes of all parts, each rounded up to the alignment of a cache line."""
    return sum(_bytes(shape, dtype) for shape, dtype in parts)


def carve(scratch, parts) -> list:
    """The parts as arrays inside `scratch` (flat uint8), in order; contents garbage."""
    arrays, start = [], 0
    for shape, dtype in parts:
        size = prod(shape) * np.dtype(dtype).itemsize
        arrays.append(scratch[start : start + size].view(dtype).reshape(shape))
        start += _bytes(shape, dtype)
    return arrays


def thread_count() -> int:
    """Threads that kernels may use now."""
    return numba.get_num_threads()


def carve_for_threads(scratch, parts_for, *args) -> list:
    """Carve `parts_for(threads, *args)` for as many of Numba's threads as the buffer holds.

    The buffer was sized when the network was planned; more threads may be allowed by now.
    """
    threads = thread_count()
    parts = parts_for(threads, *args)
    while threads > 1 and total_bytes(parts) > scratch.size:
        threads -= 1
        parts = parts_for(threads, *args)
    return carve(scratch, parts)
