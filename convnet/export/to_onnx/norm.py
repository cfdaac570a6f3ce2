"""`cmrnorm`, `rnorm` and `cnorm` (docs/dialect.md, 3.6): y = x / D ** pow."""

from typing import cast

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.export.to_onnx.builder import Builder, Value
from convnet.export.windows import centered_windows
from convnet.graph.graph import Node
from convnet.layers.cmrnorm import CrossMapResponseNorm
from convnet.layers.norm import Normalization


def cmrnorm(b: Builder, node: Node, values: list[Value]) -> Value:
    """An LRN where its window is centered.  Its alpha is the file's `scale`: it divides by size."""
    layer = cast(CrossMapResponseNorm, node.layer)
    image = b.shaped(values[0], layer.channels, layer.side, layer.side)
    if layer.size % 2 and not layer.blocked:
        numbers = {"alpha": layer.scale, "beta": layer.pow, "bias": layer.k, "size": layer.size}
        return b.op("LRN", image, dims=image.dims, **numbers)
    maps = b.shaped(b.elementwise("Mul", image, image), 1, layer.channels, layer.side**2)
    means = _blocks(b, layer, maps) if layer.blocked else _sliding(b, layer, maps)
    return _divided(b, layer, image, b.shaped(means, *image.dims))


def _sliding(b: Builder, layer: Normalization, maps: Value) -> Value:
    """Means over the windows of maps, zeros included where they hang over."""
    windows = centered_windows(layer.channels, layer.size)
    padded = b.padded(maps, (0, 0), (windows.before, windows.after), (0, 0))
    return b.op("AveragePool", padded, dims=maps.dims, kernel_shape=[layer.size, 1])


def _blocks(b: Builder, layer: Normalization, maps: Value) -> Value:
    """Means over the blocks of maps, repeated for each map of a block."""
    count = ceil_div(layer.channels, layer.size)
    padded = b.padded(maps, (0, 0), (0, count * layer.size - layer.channels), (0, 0))
    shape = {"kernel_shape": [layer.size, 1], "strides": [layer.size, 1]}
    means = b.op("AveragePool", padded, dims=(1, count, maps.dims[2]), **shape)
    block = b.indices(np.arange(layer.channels) // layer.size, "blocks")
    return b.op("Gather", means, block, dims=maps.dims, axis=2)


def rnorm(b: Builder, node: Node, values: list[Value]) -> Value:
    """Means of the squares over squares of pixels, zeros included where they hang over."""
    layer = cast(Normalization, node.layer)
    image = b.shaped(values[0], layer.channels, layer.side, layer.side)
    return _divided(b, layer, image, _mean_squares(b, layer, image))


def cnorm(b: Builder, node: Node, values: list[Value]) -> Value:
    """As `rnorm`, of the differences to the mean, which is over the pixels inside the image."""
    layer = cast(Normalization, node.layer)
    image = b.shaped(values[0], layer.channels, layer.side, layer.side)
    windows = centered_windows(layer.side, layer.size)
    pads = [windows.before] * 2 + [windows.after] * 2
    shape = {"kernel_shape": [layer.size] * 2, "pads": pads}
    means = b.op("AveragePool", image, dims=image.dims, **shape, count_include_pad=0)
    differences = b.elementwise("Sub", image, means)
    return _divided(b, layer, image, _mean_squares(b, layer, differences))


def _mean_squares(b: Builder, layer: Normalization, image: Value) -> Value:
    windows = centered_windows(layer.side, layer.size)
    ends = windows.before, windows.after
    padded = b.padded(b.elementwise("Mul", image, image), (0, 0), ends, ends)
    return b.op("AveragePool", padded, dims=image.dims, kernel_shape=[layer.size] * 2)


def _divided(b: Builder, layer: Normalization, image: Value, means: Value) -> Value:
    """x / (minDiv + scale · mean of squares) ** pow: the mean has divided by the window."""
    scaled = b.elementwise("Mul", means, b.real(layer.scale, "scale"))
    sums = b.elementwise("Add", scaled, b.real(layer.k, "minDiv"))
    return b.elementwise("Div", image, b.elementwise("Pow", sums, b.real(layer.pow, "pow")))
