"""Copies between devices, and between the host and a device."""

from dataclasses import dataclass

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .launch import Array, over


@dataclass(frozen=True)
class Copy:
    """dst = src, byte by byte; either may be host memory.  Not a kernel: the engine does it."""

    src: Array
    dst: Array


@operation(writes="dst")
def copy(src, dst):
    """dst = src.  The same shape and type."""
    return [Copy(src, dst)]


@operation(writes="dst")
def copy_half(src, dst):
    """dst = src rounded to 16-bit floats; values beyond their range become infinite.

    The rounding is done where the values arrive, so that no device needs room for both forms.
    """
    return [Copy(src, dst), over(_round_to_half, dst.size, dst, dst.size)]


@kernel
def _round_to_half(y, count):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        y[e] = np.float32(np.float16(y[e]))
