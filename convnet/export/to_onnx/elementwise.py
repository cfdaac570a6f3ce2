"""Dropout, sums, maxima and joined values (docs/dialect.md, 3.7 and 3.8)."""

from math import prod
from typing import cast

from convnet.export.to_onnx.builder import Builder, Value
from convnet.export.walk import case_dims
from convnet.graph.graph import Node
from convnet.layers.dropout import Dropout2
from convnet.layers.eltsum import ElementwiseSum
from convnet.layers.sum import Sum


def dropout(b: Builder, node: Node, values: list[Value]) -> Value:
    """As in a test: all values times one factor."""
    _, factor = cast(Dropout2, node.layer).factors()
    return _times(b, values[0], factor)


def eltsum(b: Builder, node: Node, values: list[Value]) -> Value:
    """The inputs times their coefficients, added up."""
    coeffs = cast(ElementwiseSum, node.layer).coeffs
    shaped = [b.shaped(value, *values[0].dims) for value in values]
    return b.total([_times(b, x, c) for x, c in zip(shaped, coeffs, strict=True)])


def eltmax(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Max of all inputs."""
    first, *others = values
    return b.elementwise("Max", first, *(b.shaped(value, *first.dims) for value in others))


def concat(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Concat of the channels, or of all values where the maps differ in size."""
    shapes = [case_dims(source.shape) for source in node.inputs]
    if len({dims[1:] for dims in shapes}) == 1:
        values = [b.shaped(value, *dims) for value, dims in zip(values, shapes, strict=True)]
    else:
        values = [b.flat(value) for value in values]
    channels, *rest = zip(*(value.dims for value in values), strict=True)
    dims = (sum(channels), *(sides[0] for sides in rest))
    return b.op("Concat", *values, dims=dims, axis=1)


def sum_(b: Builder, node: Node, values: list[Value]) -> Value:
    """Sums of `stride` neighboring values."""
    stride = cast(Sum, node.layer).stride
    count = prod(values[0].dims) // stride
    neighbors = b.shaped(values[0], count, stride)
    return b.op("ReduceSum", neighbors, b.integers(2), dims=(count,), keepdims=0)


def _times(b: Builder, value: Value, factor: float) -> Value:
    return value if factor == 1 else b.elementwise("Mul", value, b.real(factor, "factor"))
