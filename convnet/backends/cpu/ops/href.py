"""Images mirrored left to right."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.kernels.rows import put_row
from convnet.compiling.replay import repeatable
from convnet.operations import href


@repeatable
@implements(href.mirror)
def mirror(x, y, accumulate):
    _mirror_kernel(x, y, accumulate)


@parallel
def _mirror_kernel(x, y, accumulate):
    channels, height, width, _cases = x.shape
    for job in prange(channels * height):
        c, i = np.int64(job) // height, np.int64(job) % height
        for j in range(width):
            put_row(x[c, i, width - 1 - j], y[c, i, j], accumulate)
