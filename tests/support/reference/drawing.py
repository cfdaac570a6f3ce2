"""Layers that draw: random pooling (docs/dialect.md, 3.4) and rscale (3.7), from Philox4x32-10.

`random` is (seed_lo, seed_hi, stream, step_lo, step_hi): what the numbers depend on.
"""

import math
from fractions import Fraction

import numpy as np

from tests.support.reference.images import between
from tests.support.reference.pooling import _window


def uniforms(group, random):
    """The four numbers, multiples of 2**-24 below 1, of a group (Salmon et al., 2011)."""
    k0, k1 = random[:2]
    c0, c1, c2, c3 = group, *random[2:5]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 % 2**32, (p0 >> 32) ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return [(word >> 8) * 2.0**-24 for word in (c0, c1, c2, c3)]


def _drawn(values, u):
    """One of the values, in proportion to them; the first where none is positive."""
    ends = np.cumsum(np.maximum(values, 0.0))
    above = np.flatnonzero(ends > u * ends[-1])
    return values[above[0]] if len(above) else values[0]


def random_pool(x, size, stride, start, side, random):
    """y (C, side, side, N) from x (C, H, W, N): one pixel of each window."""
    channels, height, width, cases = x.shape
    y = np.zeros((channels, side, side, cases))
    for element, (c, oy, ox, n) in enumerate(np.ndindex(y.shape)):
        pixels = _window(oy, ox, size, stride, start, height, width)
        values = np.array([x[c, py, px, n] for py, px in pixels])
        y[c, oy, ox, n] = _drawn(values, uniforms(element // 4, random)[element % 4])
    return y


def scale_of_case(n, image_side, max_scale, side, random):
    """(size, factor, row, column) that case n draws."""
    u = uniforms(n, random)
    count = image_side - math.floor(image_side / max_scale) + 1
    squares = [(t + 1) ** 2 for t in range(count)]
    ends = [Fraction(sum(squares[: t + 1]), sum(squares)) for t in range(count)]
    size = side + next(t for t, end in enumerate(ends) if u[0] < end)
    low, high = max(1, image_side / (1 + size)), image_side / size
    places = size - side + 1
    return size, low + u[1] * (high - low), math.floor(u[2] * places), math.floor(u[3] * places)


def rscale(x, max_scale, side, random):
    """y (C, side, side, N): a random square of each image, which is resized first."""
    y = np.zeros((x.shape[0], side, side, x.shape[3]))
    for n in range(x.shape[3]):
        size, factor, row, column = scale_of_case(n, x.shape[1], max_scale, side, random)
        middle = x.shape[1] / 2 - size * factor / 2
        for i, j in np.ndindex(side, side):
            if size == x.shape[1]:
                y[:, i, j, n] = x[:, row + i, column + j, n]
            else:
                point = [(start + o) * factor + middle for start, o in ((row, i), (column, j))]
                y[:, i, j, n] = between(x[..., n], *point)
    return y
