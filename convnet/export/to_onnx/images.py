"""Layers that move, mix or blur the pixels of images (docs/dialect.md, 3.7)."""

from typing import cast

import numpy as np

from convnet.export import matrices
from convnet.export.to_onnx.builder import Builder, Value
from convnet.graph.graph import Node
from convnet.layers.base import ImageLayer
from convnet.layers.blur import Blur
from convnet.layers.crop import Crop
from convnet.layers.nailbed import Nailbed
from convnet.layers.resize import Resize
from convnet.layers.rgb2lab import RgbToLab
from convnet.layers.rscale import RandomScale
from convnet.operations.rgb2yuv import FROM_RGB


def href(b: Builder, node: Node, values: list[Value]) -> Value:
    """The columns in reverse order."""
    image = _image(b, node, values)
    side = image.dims[2]
    return b.sliced(image, 2, side - 1, side, -1)


def crop(b: Builder, node: Node, values: list[Value]) -> Value:
    """A square of the image."""
    layer = cast(Crop, node.layer)
    return _square(b, _image(b, node, values), (layer.start_row, layer.start_x), layer.size_x)


def nailbed(b: Builder, node: Node, values: list[Value]) -> Value:
    """Every n-th pixel in both directions."""
    layer, image = cast(Nailbed, node.layer), _image(b, node, values)
    for axis in (1, 2):
        image = b.sliced(image, axis, layer.start, layer.outputs_side, layer.stride)
    return image


def blur(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Conv of each channel with the Gaussian, zeros outside the image."""
    layer, image = cast(Blur, node.layer), _image(b, node, values)
    size, channels = layer.filter_size, image.dims[0]
    taps = np.broadcast_to(matrices.gaussian(size, layer.stdev), (channels, 1, size, size))
    shape = {"kernel_shape": [size] * 2, "pads": [size // 2] * 4, "group": channels}
    return b.op("Conv", image, b.real(taps, "gaussian"), dims=image.dims, **shape)


def resize(b: Builder, node: Node, values: list[Value]) -> Value:
    """R·x·Rᵀ with the matrix of bilinear interpolation."""
    layer = cast(Resize, node.layer)
    return _resized(b, _image(b, node, values), layer.outputs_side, layer.scale)


def rscale(b: Builder, node: Node, values: list[Value]) -> Value:
    """As in a test: the image resized, or its center in files of the 2012 source."""
    layer, image = cast(RandomScale, node.layer), _image(b, node, values)
    side = layer.outputs_side
    if layer.dialect is not None and layer.dialect.rscale_tests_on_center:
        start = (layer.side - side) // 2
        return _square(b, image, (start, start), side)
    return _resized(b, image, side, layer.max_scale)


def rgb2yuv(b: Builder, node: Node, values: list[Value]) -> Value:
    """A product with the matrix of the transform at each pixel."""
    return _mixed(b, _planes(b, values), FROM_RGB)


def rgb2lab(b: Builder, node: Node, values: list[Value]) -> Value:
    """Products with two matrices, and f between them."""
    lowered = 66 if cast(RgbToLab, node.layer).center else 16
    t = _mixed(b, _planes(b, values), matrices.XYZ)
    line = b.elementwise("Mul", t, b.real(matrices.STEEPNESS, "steepness"))
    line = b.elementwise("Add", line, b.real(matrices.SHIFT, "shift"))
    root = b.elementwise("Pow", t, b.real(matrices.ROOT, "root"))
    bent = b.elementwise("Greater", t, b.real(matrices.BEND, "bend"))
    f = b.op("Where", bent, root, line, dims=t.dims)
    offsets = b.real([[[-lowered], [0], [0]]], "offsets")
    return b.elementwise("Add", _mixed(b, f, matrices.LAB), offsets)


def _image(b: Builder, node: Node, values: list[Value]) -> Value:
    layer = cast(ImageLayer, node.layer)
    return b.shaped(values[0], layer.channels, layer.side, layer.side)


def _square(b: Builder, image: Value, starts: tuple[int, int], side: int) -> Value:
    for axis, start in enumerate(starts, 1):
        image = b.sliced(image, axis, start, side)
    return image


def _resized(b: Builder, image: Value, side: int, scale: float) -> Value:
    channels, height, width = image.dims
    matrix = matrices.interpolation(width, side, scale)
    rows = b.op("MatMul", b.real(matrix, "rows"), image, dims=(channels, side, width))
    return b.op("MatMul", rows, b.real(matrix.T, "columns"), dims=(channels, side, side))


def _planes(b: Builder, values: list[Value]) -> Value:
    size = int(np.prod(values[0].dims))
    return b.shaped(values[0], 3, size // 3)


def _mixed(b: Builder, planes: Value, matrix: tuple[tuple[float, ...], ...]) -> Value:
    return b.op("MatMul", b.real(matrix, "colors"), planes, dims=planes.dims)
