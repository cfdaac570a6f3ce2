"""Local response and contrast normalization: y = x * D^-power, D = k + scale * sum of squares.

docs/dialect.md, 3.6. `scale` is the quotient: already divided by size (cmrnorm) or size^2 (others).
"""

import numpy as np

from tests.support.reference.pooling import pool


def _window(i, size, length):
    """The places of the window of place i, clipped to 0..length-1; even sizes lean left."""
    start = i - size // 2
    return [j for j in range(start, start + size) if 0 <= j < length]


def _block(i, size, length):
    """The places of the fixed block that holds place i."""
    start = (i // size) * size
    return [j for j in range(start, start + size) if j < length]


def _across_maps(shape, size, blocked):
    """Yield (place, list of the places in its window): the same pixel in neighboring maps."""
    channels, height, width, _ = shape
    window = _block if blocked else _window
    for c, y, x in np.ndindex(channels, height, width):
        yield (c, y, x), [(j, y, x) for j in window(c, size, channels)]


def _within_map(shape, size):
    """Yield (place, list of the places in its window): a square in the same map."""
    channels, height, width, _ = shape
    for c, y, x in np.ndindex(channels, height, width):
        rows, columns = _window(y, size, height), _window(x, size, width)
        yield (c, y, x), [(c, i, j) for i in rows for j in columns]


def _denominator(squared, windows, scale, k):
    """D of every place: k + scale * (sum of squared**2 over its window)."""
    denominator = np.full(squared.shape, float(k))
    for place, window in windows:
        for other in window:
            denominator[place] += scale * squared[other] ** 2
    return denominator


def _grad(x, squared, dy, windows, scale, power, k):
    """dx_i = dy_i D_i^-p - 2 s p squared_i * sum of dy_j y_j / D_j over the j whose window has i.

    `squared` is what D sums the squares of: x itself, or x minus its mean (a constant) in cnorm.
    """
    windows = list(windows)
    denominator = _denominator(squared, windows, scale, k)
    y = x * denominator**-power
    dx = dy * denominator**-power
    for j, window in windows:
        for i in window:
            dx[i] -= 2 * scale * power * squared[i] * dy[j] * y[j] / denominator[j]
    return dx


def cmrnorm(x, size, scale, power, k, blocked):
    """Across maps: the window holds `size` maps at the same pixel. x, y (C, H, W, N)."""
    x = np.asarray(x, np.float64)
    return x * _denominator(x, _across_maps(x.shape, size, blocked), scale, k) ** -power


def cmrnorm_grad(x, dy, size, scale, power, k, blocked):
    """dx of cmrnorm."""
    x, dy = np.asarray(x, np.float64), np.asarray(dy, np.float64)
    return _grad(x, x, dy, _across_maps(x.shape, size, blocked), scale, power, k)


def rnorm(x, size, scale, power, k):
    """Within a map: the window is a square of size * size pixels. x, y (C, H, W, N)."""
    x = np.asarray(x, np.float64)
    return x * _denominator(x, _within_map(x.shape, size), scale, k) ** -power


def rnorm_grad(x, dy, size, scale, power, k):
    """dx of rnorm."""
    x, dy = np.asarray(x, np.float64), np.asarray(dy, np.float64)
    return _grad(x, x, dy, _within_map(x.shape, size), scale, power, k)


def _centered(x, size):
    """x minus the mean of the clipped window round each pixel."""
    mean = pool(x, "avg", size, stride=1, start=-(size // 2), side=x.shape[1])
    return x - mean


def cnorm(x, size, scale, power, k):
    """As rnorm, but D sums the squares of x minus its local mean; y is still x * D^-power."""
    x = np.asarray(x, np.float64)
    return x * _denominator(_centered(x, size), _within_map(x.shape, size), scale, k) ** -power


def cnorm_grad(x, dy, size, scale, power, k):
    """The dialect's dx of cnorm: approximate, as the local mean is taken for a constant."""
    x, dy = np.asarray(x, np.float64), np.asarray(dy, np.float64)
    return _grad(x, _centered(x, size), dy, _within_map(x.shape, size), scale, power, k)
