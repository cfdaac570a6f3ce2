"""Every n-th pixel of an image (dialect, 3.7)."""

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.kernels.rows import put_row


def forward(x, y, stride, start):
    """y[c, i, j] = x[c, start + i*stride, start + j*stride].  x: (C, H, W, N), y: (C, M, M, N)."""
    pixels = slice(start, start + (y.shape[1] - 1) * stride + 1, stride)
    y[...] = x[:, pixels, pixels]


def backward(dy, dx, stride, start, accumulate):
    """dx (+)= dy at the pixels taken; the others get 0."""
    if not accumulate:
        dx.fill(0)
    _backward_kernel(dy, dx, stride, start)


@parallel
def _backward_kernel(dy, dx, stride, start):
    channels, outputs, _outputs, _cases = dy.shape
    for job in prange(channels * outputs):
        c, i = np.int64(job) // outputs, np.int64(job) % outputs
        for j in range(outputs):
            put_row(dy[c, i, j], dx[c, start + i * stride, start + j * stride], True)
