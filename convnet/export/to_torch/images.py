"""Layers that move, mix or blur the pixels of images (docs/dialect.md, 3.7)."""

from math import prod
from typing import cast

from convnet.export.to_torch.builder import Builder, Value
from convnet.graph.graph import Node
from convnet.layers.base import ImageLayer
from convnet.layers.blur import Blur
from convnet.layers.crop import Crop
from convnet.layers.nailbed import Nailbed
from convnet.layers.resize import Resize
from convnet.layers.rgb2lab import RgbToLab
from convnet.layers.rscale import RandomScale


def href(b: Builder, node: Node, values: list[Value]) -> Value:
    """The columns in reverse order."""
    return Value(f"{_image(b, node, values)}.flip(3)", tuple(node.shape))


def crop(b: Builder, node: Node, values: list[Value]) -> Value:
    """A square of the image."""
    layer = cast(Crop, node.layer)
    text = _square(_image(b, node, values), layer.start_row, layer.start_x, layer.size_x)
    return Value(text, tuple(node.shape))


def nailbed(b: Builder, node: Node, values: list[Value]) -> Value:
    """Every n-th pixel in both directions."""
    layer = cast(Nailbed, node.layer)
    steps = f"{layer.start}::{layer.stride}"
    return Value(f"{_image(b, node, values)}[:, :, {steps}, {steps}]", tuple(node.shape))


def blur(b: Builder, node: Node, values: list[Value]) -> Value:
    """A blur of pieces.py."""
    layer = cast(Blur, node.layer)
    text = b.call("blur", _image(b, node, values), layer.filter_size, layer.stdev)
    return Value(text, tuple(node.shape))


def resize(b: Builder, node: Node, values: list[Value]) -> Value:
    """A resize of pieces.py."""
    layer = cast(Resize, node.layer)
    text = b.call("resize", _image(b, node, values), layer.outputs_side, layer.scale)
    return Value(text, tuple(node.shape))


def rscale(b: Builder, node: Node, values: list[Value]) -> Value:
    """As in a test: the image resized, or its center in files of the 2012 source."""
    layer, image = cast(RandomScale, node.layer), _image(b, node, values)
    side = layer.outputs_side
    if layer.dialect is not None and layer.dialect.rscale_tests_on_center:
        start = (layer.side - side) // 2
        return Value(_square(image, start, start, side), tuple(node.shape))
    return Value(b.call("resize", image, side, layer.max_scale), tuple(node.shape))


def rgb2yuv(b: Builder, node: Node, values: list[Value]) -> Value:
    """An rgb_to_yuv of pieces.py."""
    planes = _planes(b, values)
    return Value(b.call("rgb_to_yuv", planes.text), planes.dims)


def rgb2lab(b: Builder, node: Node, values: list[Value]) -> Value:
    """An rgb_to_lab of pieces.py."""
    planes, lowered = _planes(b, values), 66 if cast(RgbToLab, node.layer).center else 16
    return Value(b.call("rgb_to_lab", planes.text, lowered), planes.dims)


def _image(b: Builder, node: Node, values: list[Value]) -> str:
    layer = cast(ImageLayer, node.layer)
    return b.shaped(values[0], layer.channels, layer.side, layer.side).text


def _square(image: str, top: int, left: int, side: int) -> str:
    return f"{image}[:, :, {top}:{top + side}, {left}:{left + side}]"


def _planes(b: Builder, values: list[Value]) -> Value:
    return b.shaped(values[0], 3, prod(values[0].dims) // 3)
