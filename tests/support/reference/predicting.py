"""The predictions of a whole network for images, in float64: crops, views, layers, their mean.

The layers that loops would take hours for, at the size of AlexNet, are NumPy over whole images
here; tests/reference/test_predicting.py compares them with the loops.
"""

import math

import numpy as np

from tests.support import slow_network


def predictions(graph, parameters, images, mean, inner, views, output):
    """Probabilities (cases, classes), averaged over the views.

    images: (cases, channels, S, S).  mean: (channels, S, S), or of a larger image with the same
    center.  inner: side of the crops.  output: name of the softmax layer.
    """
    border = (mean.shape[-1] - inner) // 2
    seen = slice(border, border + inner)
    pixels = []
    for y, x, mirrored in positions(images.shape[2], inner, views):
        crops = images[:, :, y : y + inner, x : x + inner].astype(np.float64)
        crops = crops[..., ::-1] if mirrored else crops
        pixels.append((crops - mean[:, seen, seen]).reshape(len(images), -1))
    cases = np.concatenate(pixels)  # all views in one pass
    matrices = {0: cases.T, 1: np.zeros((1, len(cases)))}
    found, _ = slow_network.forward(graph, parameters, matrices, layers=LAYERS)
    return found[output].T.reshape(views, len(images), -1).mean(axis=0)


def positions(side, inner, views):
    """(y, x, mirrored) of each view: the center; or four corners, the center, and all mirrored."""
    last = side - inner
    middle = last // 2
    if views == 1:
        return [(middle, middle, False)]
    places = [(0, 0), (0, last), (last, 0), (last, last), (middle, middle)]
    return [(y, x, mirrored) for mirrored in (False, True) for y, x in places]


def _conv(layer, xs, ws, b):
    total = 0.0
    for i, (x, w) in enumerate(zip(xs, ws, strict=True)):
        image = _maps(x, layer.channels[i])
        sizes = layer.filter_size[i], layer.padding[i], layer.stride[i], layer.groups[i]
        total = total + conv(image, w, *sizes, layer.modules)
    return total + np.asarray(b, np.float64).reshape(-1, 1, 1, 1)


def conv(x, w, filter_size, padding, stride, groups, side):
    """As reference.conv, one matrix product for each pixel of the filters."""
    reach = (side - 1) * stride + filter_size
    room = max(0, reach - x.shape[1] - padding)
    x = np.pad(x, ((0, 0), (padding, room), (padding, room), (0, 0)))
    filters = w.shape[-1]
    parts = []
    for group in range(groups):
        inputs = x[group * len(w) : (group + 1) * len(w)]
        mine = slice(group * filters // groups, (group + 1) * filters // groups)
        y = np.zeros((filters // groups, side, side, x.shape[3]))
        for ky in range(filter_size):
            for kx in range(filter_size):
                rows, columns = (slice(k, k + (side - 1) * stride + 1, stride) for k in (ky, kx))
                taps = np.asarray(w[:, ky, kx, mine], np.float64)
                y += np.tensordot(taps, inputs[:, rows, columns], (0, 0))
        parts.append(y)
    return np.concatenate(parts)


def _fc(layer, xs, ws, b):
    """As reference.fc for each input, a matrix product, and the biases."""
    pairs = zip(xs, ws, strict=True)
    products = (np.asarray(w, np.float64) @ x.reshape(-1, x.shape[-1]) for x, w in pairs)
    return sum(products) + np.asarray(b, np.float64).reshape(-1, 1)


def _pool(layer, xs, ws, b):
    x = _maps(xs[0], layer.channels)
    room = x.shape[1] - layer.start - layer.size_x
    side = layer.outputs_x or math.ceil(room / layer.stride) + 1
    return pool(x, layer.pool, layer.size_x, layer.stride, layer.start, side)


def pool(x, kind, size, stride, start, side):
    """As reference.pool for max and avg, window by window on all channels at once."""
    y = np.zeros((len(x), side, side, x.shape[3]))
    reduced = {"max": np.max, "avg": np.mean}[kind]
    for oy in range(side):
        for ox in range(side):
            top, left = start + oy * stride, start + ox * stride
            window = x[:, max(top, 0) : top + size, max(left, 0) : left + size]
            y[:, oy, ox] = reduced(window, axis=(1, 2))
    return y


def _cmrnorm(layer, xs, ws, b):
    x = _maps(xs[0], layer.channels)
    return cmrnorm(x, layer.size, layer.scale / layer.size, layer.pow, layer.min_div)


def cmrnorm(x, size, scale, power, k):
    """As reference.cmrnorm without blocks: x / (k + scale * sum of squares) ** power."""
    sums = np.stack(
        [
            (x[max(c - size // 2, 0) : max(c - size // 2 + size, 0)] ** 2).sum(axis=0)
            for c in range(len(x))
        ]
    )
    return x / (k + scale * sums) ** power


def _maps(x, channels):
    side = math.isqrt(x[..., 0].size // channels)
    return x.reshape(channels, side, side, x.shape[-1])


LAYERS = slow_network.LAYERS | {
    "conv": (_conv, None),
    "fc": (_fc, None),
    "pool": (_pool, None),
    "cmrnorm": (_cmrnorm, None),
}
