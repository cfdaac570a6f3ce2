"""Contrast normalisation: as rnorm, but the denominator sums squares of x - local mean.

What is divided is x itself, and the gradient takes the mean for a constant (dialect, 3.6).
"""

import numpy as np
from numba import cuda

from convnet.backends.base import operation
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ops.rnorm import normalise, normalise_backward
from convnet.backends.cuda.runtime.launch import over


@operation(writes="y denom centred")
def forward(x, y, denom, centred, size, scale, power, k):
    """denom = k + scale * (sum of centred**2 over a square),  y = x * denom ** -power.

    centred = x - (mean of x over the square, clipped); all arrays (C, H, W, N); scale is already
    divided by size**2.
    """
    centre = over(_centre, x.size, x, centred, *x.shape[1:], size, x.size)
    return [centre, normalise(centred, x, y, denom, size, scale, power, k)]


@operation(writes="dx")
def backward(centred, y, dy, denom, dx, size, scale, power, accumulate):
    """dx_i (+)= dy_i * denom_i**-power - 2*scale*power * centred_i * sum of dy_j*y_j/denom_j."""
    return [normalise_backward(centred, y, dy, denom, dx, size, scale, power, accumulate)]


@kernel
def _centre(x, centred, height, width, cases, size, count):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        j, i = e // cases % width, e // cases // width % height
        top, bottom = max(i - size // 2, 0), min(i - size // 2 + size, height)
        left, right = max(j - size // 2, 0), min(j - size // 2 + size, width)
        total = np.float32(0)
        for r in range(top, bottom):
            for s in range(left, right):
                total += x[e + ((r - i) * width + s - j) * cases]
        centred[e] = x[e] - total / np.float32((bottom - top) * (right - left))
