"""Costs of sums of squares: with a gate, and over windows (gsum2, tica). docs/dialect.md, 7."""

import numpy as np


def gsum2(gate, x):
    return float(sum(g * np.sum(c**2) for g, c in zip(gate[0], np.asarray(x).T, strict=True)))


def gsum2_grads(gate, x, coeff):
    """(dgate, dx)"""
    gate, x = np.asarray(gate, np.float64), np.asarray(x, np.float64)
    dgate = np.array([[coeff * np.sum(x[:, n] ** 2) for n in range(x.shape[1])]])
    return dgate, coeff * 2 * gate * x


def _windows(x, size):
    """Yield (pixel, the pixels of its window in the same map); even sizes lean left."""
    channels, height, width, _ = x.shape
    for c, py, px in np.ndindex(channels, height, width):
        rows = [r for r in range(py - size // 2, py - size // 2 + size) if 0 <= r < height]
        columns = [r for r in range(px - size // 2, px - size // 2 + size) if 0 <= r < width]
        yield (c, py, px), [(c, r, s) for r in rows for s in columns]


def _inverse(x, size):
    """1 / (0.001 + sqrt(sum of squares over the window)) of each pixel."""
    inverse = np.zeros(x.shape)
    for pixel, window in _windows(x, size):
        inverse[pixel] = 1 / (0.001 + np.sqrt(sum(x[other] ** 2 for other in window)))
    return inverse


def tica(x, size):
    return float(np.sum(_inverse(np.asarray(x, np.float64), size)))


def tica_grad(x, size, coeff):
    """By its own formula, which is not the derivative of what `tica` gives."""
    x = np.asarray(x, np.float64)
    inverse, dx = _inverse(x, size), np.zeros(x.shape)
    for pixel, window in _windows(x, size):
        dx[pixel] = coeff * x[pixel] * sum(inverse[other] for other in window)
    return dx
