"""Response normalisation over a square of pixels in the same channel (dialect, 3.6)."""

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .launch import over
from .lowlevel import power as to_power


@operation(writes="y denom")
def forward(x, y, denom, size, scale, power, k):
    """denom = k + scale * (sum of x**2 over a size x size square),  y = x * denom ** -power.

    x, y, denom: (C, H, W, N); scale is already divided by size**2; squares are clipped.
    """
    return [normalise(x, x, y, denom, size, scale, power, k)]


def normalise(summed, x, y, denom, size, scale, power, k):
    """The same with the squares of `summed` in the denominator."""
    sizes = *x.shape[1:], size, x.size
    numbers = float(scale), float(power), float(k)
    return over(_forward, x.size, summed, x, y, denom, *sizes, *numbers)


@operation(writes="dx")
def backward(x, y, dy, denom, dx, size, scale, power, accumulate):
    """dx_i (+)= dy_i * denom_i**-power - 2*scale*power * x_i * sum of dy_j*y_j/denom_j.

    The sum runs over the pixels j whose square contains i.
    """
    return [normalise_backward(x, y, dy, denom, dx, size, scale, power, accumulate)]


def normalise_backward(summed, y, dy, denom, dx, size, scale, power, accumulate):
    """The same with `summed` in place of the factor x_i."""
    sizes = *y.shape[1:], size, y.size
    numbers = float(2 * scale * power), float(power), accumulate
    return over(_backward, y.size, summed, y, dy, denom, dx, *sizes, *numbers)


@kernel
def _forward(summed, x, y, denom, height, width, cases, size, count, scale, power, k):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        j, i = e // cases % width, e // cases // width % height
        top, left = i - size // 2, j - size // 2
        total = np.float32(0)
        for r in range(max(top, 0), min(top + size, height)):
            for s in range(max(left, 0), min(left + size, width)):
                v = summed[e + ((r - i) * width + s - j) * cases]
                total += v * v
        d = k + scale * total
        denom[e] = d
        y[e] = x[e] * to_power(d, -power)


@kernel
def _backward(x, y, dy, denom, dx, height, width, cases, size, count, factor, power, accumulate):
    lean = size - size // 2 - 1  # of the transposed window
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        j, i = e // cases % width, e // cases // width % height
        top, left = i - lean, j - lean
        total = np.float32(0)
        for r in range(max(top, 0), min(top + size, height)):
            for s in range(max(left, 0), min(left + size, width)):
                at = e + ((r - i) * width + s - j) * cases
                total += dy[at] * y[at] / denom[at]
        g = dy[e] * to_power(denom[e], -power) - factor * x[e] * total
        dx[e] = dx[e] + g if accumulate else g
