"""Pooling over windows clipped to the image: max, avg, sum and maxabs. docs/dialect.md, 3.4."""

from itertools import product

import numpy as np


def _window(oy, ox, size, stride, start, height, width):
    """The pixels (py, px) of one window that lie inside the image, in y, x order."""
    rows = range(start + oy * stride, start + oy * stride + size)
    columns = range(start + ox * stride, start + ox * stride + size)
    pixels = [(y, x) for y, x in product(rows, columns) if 0 <= y < height and 0 <= x < width]
    if not pixels:
        raise ValueError(f"the pooling window of output ({oy}, {ox}) has no pixel of the image")
    return pixels


def _reduce(values, kind):
    """One output row (N,) from the list of the rows of pixels in a window."""
    if kind == "sum":
        return sum(values)
    if kind == "avg":
        return sum(values) / len(values)
    best = values[0].copy()
    for value in values[1:]:
        if kind == "max":
            wins = value > best
        elif kind == "maxabs":
            wins = np.abs(value) >= np.abs(best)  # the later of equal magnitudes wins
        else:
            raise ValueError(f"unknown kind of pooling: {kind}")
        best[wins] = value[wins]
    return best


def pool(x, kind, size, stride, start, side):
    """y (C, side, side, N) from x (C, H, W, N); pixels outside the image are ignored."""
    x = np.asarray(x, np.float64)
    channels, height, width, cases = x.shape
    y = np.zeros((channels, side, side, cases))
    for c, oy, ox in np.ndindex(channels, side, side):
        pixels = _window(oy, ox, size, stride, start, height, width)
        y[c, oy, ox] = _reduce([x[c, py, px] for py, px in pixels], kind)
    return y


def pool_grad(x, y, dy, kind, size, stride, start):
    """dx (C, H, W, N); for max and maxabs every pixel equal to the output gets the full dy."""
    x, y, dy = (np.asarray(array, np.float64) for array in (x, y, dy))
    channels, height, width, _ = x.shape
    dx = np.zeros(x.shape)
    for c, oy, ox in np.ndindex(channels, *dy.shape[1:3]):
        pixels = _window(oy, ox, size, stride, start, height, width)
        for py, px in pixels:
            if kind == "sum":
                share = 1.0
            elif kind == "avg":
                share = 1.0 / len(pixels)
            elif kind in ("max", "maxabs"):
                share = x[c, py, px] == y[c, oy, ox]
            else:
                raise ValueError(f"unknown kind of pooling: {kind}")
            dx[c, py, px] += share * dy[c, oy, ox]
    return dx
