"""Copies between devices, and between the host and a device.

Bytes a value: 4 on either side; rounding to half reads and writes the arrived values again, 8.
"""

import numpy as np
from numba import cuda, float32

from convnet.backends.base import implements
from convnet.backends.cuda.jit import int32
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, launch_elementwise, vectorized
from convnet.backends.cuda.runtime.copy import Copy
from convnet.operations import transfer


@implements(transfer.copy)
def copy(src, dst):
    return [Copy(src, dst)]


@implements(transfer.copy_half)
def copy_half(src, dst):
    """Round where the values arrive, so that no device needs room for both forms."""
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
