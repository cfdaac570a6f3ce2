"""Layers over groups of values or maps: sum (docs/dialect.md, 3.7), cmpool (3.5), sfc (3.10)."""

import numpy as np


def sums(x, stride):
    """y (rows / stride, N): sums of `stride` rows of x that follow each other."""
    y = np.zeros((x.shape[0] // stride, x.shape[1]))
    for row in range(x.shape[0]):
        y[row // stride] += x[row]
    return y


def sums_grad(dy, stride):
    """dx (rows, N)."""
    return np.stack([dy[row // stride] for row in range(dy.shape[0] * stride)])


def _maps(o, size, stride, start, channels):
    return [c for c in range(start + o * stride, start + o * stride + size) if 0 <= c < channels]


def cmpool(x, size, stride, start, maps):
    """y (maps, H, W, N): the maximum over the maps of each window that there are."""
    windows = [_maps(o, size, stride, start, len(x)) for o in range(maps)]
    return np.stack([np.max([x[c] for c in window], axis=0) for window in windows])


def cmpool_grad(x, y, dy, size, stride, start):
    """dx of the shape of x: every map equal to the maximum gets the full dy."""
    dx = np.zeros(x.shape)
    for o in range(len(y)):
        for c in _maps(o, size, stride, start, len(x)):
            dx[c] += np.where(x[c] == y[o], dy[o], 0.0)
    return dx


def sfc(x, w, parts):
    """y (parts * outputs, N) from x (inputs, N) and w (outputs, inputs)."""
    outputs, inputs = w.shape
    y = np.zeros((parts * outputs, x.shape[1]))
    for o, i in np.ndindex(outputs, inputs):
        y[i // (inputs // parts) * outputs + o] += w[o, i] * x[i]
    return y


def sfc_grads(x, w, dy, parts):
    """(dx, dw)"""
    outputs, inputs = w.shape
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for o, i in np.ndindex(outputs, inputs):
        row = i // (inputs // parts) * outputs + o
        dx[i] += w[o, i] * dy[row]
        dw[o, i] = np.sum(x[i] * dy[row])
    return dx, dw
