"""Bilinear interpolation at a regular grid of points."""

import numpy as np
from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import resize


@implements(resize.forward)
def forward(x, y, scale):
    side, outputs = x.shape[1], y.shape[1]
    numbers = np.float64(scale), np.float64((side - outputs * scale) / 2)
    return [over(_forward, y.size, x, y, side, outputs, y.shape[3], *numbers, y.size)]


@device_function
def pixel_before(coordinate, side):
    """The pixel before a coordinate, clamped into the image."""
    return int(max(float64(0), min(coordinate, side - 1.01)))


@device_function
def share_after(coordinate, side):
    """The share of the pixel after it."""
    inside = max(float64(0), min(coordinate, side - 1.01))
    return np.float32(inside - int(inside))


@device_function
def mix(x, base, side, cases, row, column):
    """The value at a point of the image whose first pixel is x[base]."""
    top, left = pixel_before(row, side), pixel_before(column, side)
    bottom, right = min(top + 1, side - 1), min(left + 1, side - 1)
    low, late = share_after(row, side), share_after(column, side)
    one = np.float32(1)
    upper = (one - late) * x[base + (top * side + left) * cases]
    upper += late * x[base + (top * side + right) * cases]
    lower = (one - late) * x[base + (bottom * side + left) * cases]
    lower += late * x[base + (bottom * side + right) * cases]
    return (one - low) * upper + low * lower


@kernel
def _forward(x, y, side, outputs, cases, scale, offset, count):
    for e in elements(count):
        place, n = split(e, cases)
        place, j = split(place, outputs)
        c, i = split(place, outputs)
        base = c * side * side * cases + n
        y[e] = mix(x, base, side, cases, i * scale + offset, j * scale + offset)
