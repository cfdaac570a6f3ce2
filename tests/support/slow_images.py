"""The layers of images, and those over groups of values, for slow_network.py."""

import math
from zlib import crc32

import numpy as np

import tests.support.reference as ref


def flat(x):
    return x.reshape(-1, x.shape[-1])


def maps(x, channels):
    side = math.isqrt(x[..., 0].size // channels)
    return x.reshape(channels, side, side, x.shape[-1])


def _image(layer, x):
    return maps(x, layer.channels)


def random_words(name, seed=0, step=0, training=False):
    """What the random numbers of a layer depend on."""
    high = step >> 32 | (0 if training else 1 << 31)
    return seed % 2**32, seed >> 32, crc32(name.encode()), step % 2**32, high


def _fixed(forward):
    """A layer without a backward pass."""
    return (
        lambda layer, xs, ws, b: forward(layer, xs[0]),
        lambda layer, xs, y, dy, ws: [np.zeros(xs[0].shape)],
    )


def _blurred(layer, x):
    return ref.blur(_image(layer, x), layer.filter_size, layer.stdev)


def _cropped(layer, x):
    row = layer.start_x if layer.start_y is None else layer.start_y
    return ref.crop(_image(layer, x), row, layer.start_x, layer.size_x)


def _rescaled(layer, x):
    """As in a test."""
    image = _image(layer, x)
    smallest = math.floor(image.shape[1] / layer.max_scale)
    side = smallest if layer.dialect.name == "cc1" else layer.tgt_size
    if layer.dialect.name == "chm":
        start = (image.shape[1] - side) // 2
        return ref.crop(image, start, start, side)
    return ref.resize(image, layer.max_scale, side)


def random_pooled(layer, xs, ws, b):
    image = _image(layer, xs[0])
    window = layer.size_x, layer.stride, layer.start
    room = image.shape[1] - layer.start - layer.size_x
    side = layer.outputs_x or math.ceil(room / layer.stride) + 1
    return ref.random_pool(image, *window, side, random_words(layer.name))


def _across(layer):
    return layer.size, layer.stride, layer.start


def _across_maps(layer, xs, ws, b):
    room = layer.channels - layer.start - layer.size
    count = layer.outputs or math.ceil(room / layer.stride) + 1
    return ref.cmpool(_image(layer, xs[0]), *_across(layer), count)


def _across_maps_back(layer, xs, y, dy, ws):
    return [ref.cmpool_grad(_image(layer, xs[0]), y, dy, *_across(layer))]


def _nails_back(layer, xs, y, dy, ws):
    return [ref.nailbed_grad(dy, _image(layer, xs[0]).shape[1], layer.stride)]


def _split(layer, xs, ws, b):
    pairs = zip(xs, ws, strict=True)
    return sum(ref.sfc(flat(x), w, layer.parts) for x, w in pairs) + b[:, None]


def _split_back(layer, xs, y, dy, ws):
    dy = flat(dy)
    pairs = [ref.sfc_grads(flat(x), w, dy, layer.parts) for x, w in zip(xs, ws, strict=True)]
    return [dx for dx, _ in pairs], [dw for _, dw in pairs], dy.sum(axis=1)


LAYERS = {
    "blur": (
        lambda layer, xs, ws, b: _blurred(layer, xs[0]),
        lambda layer, xs, y, dy, ws: [_blurred(layer, dy)],
    ),
    "href": (
        lambda layer, xs, ws, b: ref.href(_image(layer, xs[0])),
        lambda layer, xs, y, dy, ws: [ref.href(_image(layer, dy))],
    ),
    "nailbed": (
        lambda layer, xs, ws, b: ref.nailbed(_image(layer, xs[0]), layer.stride),
        _nails_back,
    ),
    "crop": _fixed(_cropped),
    "resize": _fixed(lambda layer, x: ref.resize(_image(layer, x), layer.scale)),
    "rscale": _fixed(_rescaled),
    "rgb2yuv": _fixed(lambda layer, x: ref.rgb2yuv(x.reshape(3, -1, x.shape[-1]))),
    "rgb2lab": _fixed(lambda layer, x: ref.rgb2lab(x.reshape(3, -1, x.shape[-1]), layer.center)),
    "sum": (
        lambda layer, xs, ws, b: ref.sums(flat(xs[0]), layer.stride),
        lambda layer, xs, y, dy, ws: [ref.sums_grad(flat(dy), layer.stride)],
    ),
    "cmpool": (_across_maps, _across_maps_back),
    "sfc": (_split, _split_back),
}
