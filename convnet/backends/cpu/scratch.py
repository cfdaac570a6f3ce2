"""Flat memory, and typed arrays carved out of one flat scratch buffer.

A function that needs scratch lists its arrays once, as (shape, dtype) pairs, for a number of
threads.  Both the size that it announces and the arrays that it uses come from that list.
"""

from collections.abc import Callable
from math import prod

import numba
import numpy as np

from convnet.arithmetic import ceil_div

_ALIGNMENT = 64  # bytes of a cache line

Parts = list[tuple[tuple[int, ...], np.dtype]]


def _bytes(shape, dtype) -> int:
    return ceil_div(prod(shape) * np.dtype(dtype).itemsize, _ALIGNMENT) * _ALIGNMENT


def total_bytes(parts: Parts) -> int:
    """Return the bytes of all arrays, each rounded up to whole cache lines."""
    return sum(_bytes(shape, dtype) for shape, dtype in parts)


def aligned(count: int, dtype: np.dtype) -> np.ndarray:
    """Return `count` zeros, the first at an address that is a multiple of 64 bytes."""
    memory = np.zeros(count * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + count * dtype.itemsize].view(dtype)


def carve(scratch: np.ndarray, parts: Parts) -> list[np.ndarray]:
    """Return the arrays as views of `scratch` (flat uint8); their contents are garbage."""
    arrays, start = [], 0
    for shape, dtype in parts:
        size = prod(shape) * np.dtype(dtype).itemsize
        arrays.append(scratch[start : start + size].view(dtype).reshape(shape))
        start += _bytes(shape, dtype)
    return arrays


def thread_count() -> int:
    """Return the number of threads that kernels may use now."""
    return numba.get_num_threads()


def carve_for_threads(scratch: np.ndarray, parts_for: Callable[..., Parts], *args) -> list:
    """Carve `parts_for(threads, *args)` for as many of Numba's threads as the buffer holds.

    The buffer is sized when the network is planned; more threads may be allowed when it runs.
    """
    threads = thread_count()
    parts = parts_for(threads, *args)
    while threads > 1 and total_bytes(parts) > scratch.size:
        threads -= 1
        parts = parts_for(threads, *args)
    return carve(scratch, parts)
