"""Images mirrored left to right (dialect, 3.7); forward and backward are the same."""

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.kernels.rows import put_row
from convnet.compiling.replay import repeatable


@repeatable
def mirror(x, y, accumulate):
    """y (+)= x with its columns in reverse order.  x, y: (C, H, W, N)."""
    _mirror_kernel(x, y, accumulate)


@parallel
def _mirror_kernel(x, y, accumulate):
    channels, height, width, _cases = x.shape
    for job in prange(channels * height):
        c, i = np.int64(job) // height, np.int64(job) % height
        for j in range(width):
            put_row(x[c, i, width - 1 - j], y[c, i, j], accumulate)
