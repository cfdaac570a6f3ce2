"""Dropout, sums, maxima and joined values (docs/dialect.md, 3.7 and 3.8)."""

from math import prod
from typing import cast

from convnet.export.to_torch.builder import Builder, Value, call_text, sum_text
from convnet.export.walk import case_dims
from convnet.graph.graph import Node
from convnet.layers.dropout import Dropout2
from convnet.layers.eltsum import ElementwiseSum
from convnet.layers.sum import Sum


def dropout(b: Builder, node: Node, values: list[Value]) -> Value:
    """As in a test: all values times one factor."""
    _, factor = cast(Dropout2, node.layer).factors()
    return Value(_times(values[0].text, factor), values[0].dims)


def eltsum(b: Builder, node: Node, values: list[Value]) -> Value:
    """The inputs times their coefficients, added up."""
    dims, coeffs = values[0].dims, cast(ElementwiseSum, node.layer).coeffs
    texts = [b.shaped(value, *dims).text for value in values]
    return Value(sum_text(_times(x, c) for x, c in zip(texts, coeffs, strict=True)), dims)


def eltmax(b: Builder, node: Node, values: list[Value]) -> Value:
    """The maximum of all inputs."""
    dims = values[0].dims
    texts = [b.shaped(value, *dims).text for value in values]
    if len(texts) == 2:
        return Value(f"torch.maximum({', '.join(texts)})", dims)
    return Value(call_text("torch.stack", texts, "0") + ".amax(0)", dims)


def concat(b: Builder, node: Node, values: list[Value]) -> Value:
    """The channels one behind the other, or all values where the maps differ in size."""
    shapes = [case_dims(source.shape) for source in node.inputs]
    if len({dims[1:] for dims in shapes}) == 1:
        values = [b.shaped(value, *dims) for value, dims in zip(values, shapes, strict=True)]
    else:
        values = [b.flat(value) for value in values]
    texts = [value.text for value in values]
    return Value(call_text("torch.cat", texts, "1"), case_dims(node.shape))


def sum_(b: Builder, node: Node, values: list[Value]) -> Value:
    """Sums of `stride` neighboring values."""
    stride = cast(Sum, node.layer).stride
    count = prod(values[0].dims) // stride
    return Value(f"{b.shaped(values[0], count, stride).text}.sum(2)", (count,))


def _times(text: str, factor: float) -> str:
    if factor == 1:
        return text
    return f"-{text}" if factor == -1 else f"{factor!r} * {text}"
