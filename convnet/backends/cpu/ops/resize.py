"""Bilinear interpolation at a regular grid of points."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.compiling.replay import repeatable
from convnet.operations import resize


@repeatable
@implements(resize.forward)
def forward(x, y, scale):
    _forward_kernel(x, y, float(scale), (x.shape[1] - y.shape[1] * scale) / 2)


@inlined
def point(coordinate, side):
    """The pixel before a coordinate, the one after it, and the share of the latter."""
    inside = max(0.0, min(coordinate, side - 1.01))
    first = np.int64(inside)
    return first, min(first + 1, side - 1), inside - first


@inlined
def _mix(corners, shares, y):
    a, b, c, d = corners
    w_a, w_b, w_c, w_d = shares
    for n in range(y.size):
        y[n] = w_a * a[n] + w_b * b[n] + w_c * c[n] + w_d * d[n]


@parallel
def _forward_kernel(x, y, scale, offset):
    channels, outputs, side = y.shape[0], y.shape[1], x.shape[1]
    real = x.dtype.type
    for job in prange(channels * outputs):
        c, i = np.int64(job) // outputs, np.int64(job) % outputs
        top, bottom, low = point(i * scale + offset, side)
        for j in range(outputs):
            left, right, late = point(j * scale + offset, side)
            corners = (x[c, top, left], x[c, top, right], x[c, bottom, left], x[c, bottom, right])
            shares = (
                real((1 - low) * (1 - late)),
                real((1 - low) * late),
                real(low * (1 - late)),
                real(low * late),
            )
            _mix(corners, shares, y[c, i, j])
