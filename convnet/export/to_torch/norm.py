"""`cmrnorm`, `rnorm` and `cnorm` (docs/dialect.md, 3.6)."""

from typing import cast

from convnet.export.to_torch.builder import Builder, Value
from convnet.graph.graph import Node
from convnet.layers.cmrnorm import CrossMapResponseNorm
from convnet.layers.norm import Normalization


def cmrnorm(b: Builder, node: Node, values: list[Value]) -> Value:
    """PyTorch's local response normalization, whose windows of even size lean left too.

    Its alpha is the file's `scale`: both divide by the size.
    """
    layer = cast(CrossMapResponseNorm, node.layer)
    if layer.blocked:
        return _norm(b, "block_norm", layer, values[0])
    image = b.shaped(values[0], layer.channels, layer.side, layer.side)
    numbers = f"alpha={layer.scale!r}, beta={layer.pow!r}, k={layer.k!r}"
    return Value(f"F.local_response_norm({image.text}, {layer.size}, {numbers})", image.dims)


def rnorm(b: Builder, node: Node, values: list[Value]) -> Value:
    """A response_norm of pieces.py."""
    return _norm(b, "response_norm", cast(Normalization, node.layer), values[0])


def cnorm(b: Builder, node: Node, values: list[Value]) -> Value:
    """A contrast_norm of pieces.py."""
    return _norm(b, "contrast_norm", cast(Normalization, node.layer), values[0])


def _norm(b: Builder, piece: str, layer: Normalization, value: Value) -> Value:
    image = b.shaped(value, layer.channels, layer.side, layer.side)
    text = b.call(piece, image.text, layer.size, layer.scale, layer.pow, layer.k)
    return Value(text, image.dims)
