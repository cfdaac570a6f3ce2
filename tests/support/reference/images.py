"""Layers of images: blur, nailbed, href, crop, resize, colors. docs/dialect.md, 3.7."""

import math

import numpy as np

FROM_RGB = {  # weights of red, green and blue
    "y": (0.2126, 0.7152, 0.0722),
    "u": (-0.09991, -0.33609, 0.436),
    "v": (0.615, -0.55861, -0.05639),
    "X": (0.49, 0.31, 0.2),
    "Y": (0.17697, 0.8124, 0.01063),
    "Z": (0.0, 0.01, 0.99),
}


def href(x):
    """x (C, S, S, N) mirrored left to right; its gradient is dy mirrored."""
    y = np.zeros(x.shape)
    for j in range(x.shape[2]):
        y[:, :, j] = x[:, :, x.shape[2] - 1 - j]
    return y


def _nails(side, stride):
    """The rows, which are also the columns, that a nailbed takes."""
    outputs = (side + stride - 1) // stride
    start = (side - stride * (outputs - 1)) // 2
    return [start + o * stride for o in range(outputs)]


def nailbed(x, stride):
    """y (C, M, M, N) from x (C, S, S, N)."""
    nails = _nails(x.shape[1], stride)
    y = np.zeros((x.shape[0], len(nails), len(nails), x.shape[3]))
    for i, row in enumerate(nails):
        for j, column in enumerate(nails):
            y[:, i, j] = x[:, row, column]
    return y


def nailbed_grad(dy, side, stride):
    """dx (C, side, side, N): zero at pixels that were not taken."""
    dx = np.zeros((dy.shape[0], side, side, dy.shape[3]))
    for i, row in enumerate(_nails(side, stride)):
        for j, column in enumerate(_nails(side, stride)):
            dx[:, row, column] = dy[:, i, j]
    return dx


def blur(x, size, stdev):
    """Gaussian of size x size pixels, zeros outside the image; its gradient is dy blurred."""
    reach = size // 2
    w = [math.exp(-((reach - i) ** 2) / (2 * stdev**2)) for i in range(size)]
    w = [value / sum(w) for value in w]
    channels, height, width, cases = x.shape
    y = np.zeros(x.shape)
    for c, i, j, a, b in np.ndindex(channels, height, width, size, size):
        row, column = i + a - reach, j + b - reach
        if 0 <= row < height and 0 <= column < width:
            y[c, i, j] += w[a] * w[b] * x[c, row, column]
    return y


def crop(x, row, column, side):
    """y (C, side, side, N), whose first pixel is x[:, row, column]."""
    y = np.zeros((x.shape[0], side, side, x.shape[3]))
    for i, j in np.ndindex(side, side):
        y[:, i, j] = x[:, row + i, column + j]
    return y


def between(x, row, column):
    """The value of x (C, S, S, ...) at a point between pixels, clamped to 0..S-1.01."""
    last = x.shape[1] - 1
    row, column = (max(0.0, min(place, last - 0.01)) for place in (row, column))
    i, j = math.floor(row), math.floor(column)
    total = 0.0
    for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (1 - abs(row - i - di)) * (1 - abs(column - j - dj))
        total = total + share * x[:, min(i + di, last), min(j + dj, last)]
    return total


def resize(x, scale, side=None):
    """y (C, side, side, N), side = floor(S / scale) unless given."""
    side = math.floor(x.shape[1] / scale) if side is None else side
    middle = x.shape[1] / 2 - side * scale / 2
    y = np.zeros((x.shape[0], side, side, x.shape[3]))
    for i, j in np.ndindex(side, side):
        y[:, i, j] = between(x, i * scale + middle, j * scale + middle)
    return y


def _mixed(x, name):
    return sum(weight * plane for weight, plane in zip(FROM_RGB[name], x, strict=True))


def rgb2yuv(x):
    """y of the shape of x (3, ...)."""
    return np.stack([_mixed(x, name) for name in "yuv"])


def _curve(t):
    with np.errstate(invalid="ignore"):  # of the powers that np.where throws away
        return np.where(t > 0.0088564517, t**0.3333, 7.787037 * t + 0.13793103)


def rgb2lab(x, center):
    """y of the shape of x (3, ...); center: L - 50."""
    fx, fy, fz = (_curve(_mixed(x, name)) for name in "XYZ")
    lightness = 116 * fy - 16 - (50 if center else 0)
    return np.stack([lightness, 500 * (fx - fy), 200 * (fy - fz)])
