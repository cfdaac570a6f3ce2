"""Layers with weights: shared filters, unshared (local) filters and full connection.

docs/dialect.md, 3.2 and 3.3. A bias is not included.
"""

from itertools import product

import numpy as np


def _connections(x_shape, filters, filter_size, padding, stride, groups, side):
    """Yield every (output, input) pair of a convolution with its filter position.

    Each item is (f, my, mx), (c, py, px), (c in the group, ky, kx). Pixels outside the image are
    zero, so they connect to nothing and are simply not yielded.
    """
    channels, height, width, _ = x_shape
    filters_per_group, channels_per_group = filters // groups, channels // groups
    for my, mx, ky, kx in product(range(side), range(side), range(filter_size), range(filter_size)):
        py = my * stride - padding + ky
        px = mx * stride - padding + kx
        if not (0 <= py < height and 0 <= px < width):
            continue
        for f in range(filters):
            group = f // filters_per_group
            for i in range(channels_per_group):
                c = group * channels_per_group + i
                yield (f, my, mx), (c, py, px), (i, ky, kx)


def conv(x, w, padding, stride, groups, side):
    """y (F, side, side, N) from x (C, H, W, N) and w (C/groups, K, K, F); cross-correlation."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    filter_size, filters = w.shape[2:]
    y = np.zeros((filters, side, side, x.shape[3]))
    for out, pixel, tap in _connections(
        x.shape, filters, filter_size, padding, stride, groups, side
    ):
        y[out] += w[*tap, out[0]] * x[pixel]
    return y


def conv_grads(x, w, dy, padding, stride, groups):
    """(dx, dw) of conv, shaped as x and w, for dy (F, side, side, N)."""
    x, w, dy = (np.asarray(array, np.float64) for array in (x, w, dy))
    filters, side = dy.shape[:2]
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for out, pixel, tap in _connections(
        x.shape, filters, w.shape[2], padding, stride, groups, side
    ):
        dx[pixel] += w[*tap, out[0]] * dy[out]
        dw[*tap, out[0]] += np.sum(x[pixel] * dy[out])
    return dx, dw


def local(x, w, padding, stride, groups, side):
    """As conv, with filters of its own at each place: w (side*side, C/groups, K, K, F)."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    filter_size, filters = w.shape[3:]
    y = np.zeros((filters, side, side, x.shape[3]))
    for out, pixel, tap in _connections(
        x.shape, filters, filter_size, padding, stride, groups, side
    ):
        f, my, mx = out
        y[out] += w[my * side + mx, *tap, f] * x[pixel]
    return y


def local_grads(x, w, dy, padding, stride, groups):
    """(dx, dw) of local, shaped as x and w, for dy (F, side, side, N)."""
    x, w, dy = (np.asarray(array, np.float64) for array in (x, w, dy))
    filters, side = dy.shape[:2]
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for out, pixel, tap in _connections(
        x.shape, filters, w.shape[3], padding, stride, groups, side
    ):
        f, my, mx = out
        dx[pixel] += w[my * side + mx, *tap, f] * dy[out]
        dw[my * side + mx, *tap, f] += np.sum(x[pixel] * dy[out])
    return dx, dw


def fc(x, w):
    """y (outputs, N) from x (inputs, N) and w (outputs, inputs)."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    y = np.zeros((w.shape[0], x.shape[1]))
    for o, i in np.ndindex(w.shape):
        y[o] += w[o, i] * x[i]
    return y


def fc_grads(x, w, dy):
    """(dx, dw) of fc, shaped as x and w, for dy (outputs, N)."""
    x, w, dy = (np.asarray(array, np.float64) for array in (x, w, dy))
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for o, i in np.ndindex(w.shape):
        dx[i] += w[o, i] * dy[o]
        dw[o, i] = np.sum(x[i] * dy[o])
    return dx, dw
