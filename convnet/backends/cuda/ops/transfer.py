"""Copies between devices, and between the host and a device.

Bytes a value: 4 on either side; rounding to half reads and writes the arrived values once more, 8.
"""

from dataclasses import dataclass

import numpy as np
from numba import cuda, float32

from convnet.backends.base import operation
from convnet.backends.cuda.jit import int32
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, launch_elementwise, vectorized
from convnet.backends.cuda.runtime.launch import Array


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
    return [Copy(src, dst), launch_elementwise(_ROUND_TO_HALF, (dst,))]


def _round_to_half(WIDTH):
    def round_to_half(y, count):
        v = cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(v, y, i, WIDTH)
            for k in range(WIDTH):
                v[k] = np.float32(np.float16(v[k]))
            store_values(y, i, v, WIDTH)
            i = int32(i + step)

    return round_to_half


_ROUND_TO_HALF = vectorized(_round_to_half)
