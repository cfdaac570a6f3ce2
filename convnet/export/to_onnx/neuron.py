"""Neurons and `softmax` (docs/dialect.md, 4 and 3.7)."""

from collections.abc import Callable
from typing import cast

from convnet.export.to_onnx.builder import Builder, Value
from convnet.graph.graph import Node
from convnet.layers.neuron import Neuron
from convnet.layers.nonlinearity import Nonlinearity

ABOVE = 4  # softrelu is x itself there


def neuron(b: Builder, node: Node, values: list[Value]) -> Value:
    """The operators of the nonlinearity; none for `ident`."""
    f = cast(Neuron, node.layer).function
    return FUNCTIONS[f.kind](b, values[0], f)


def softmax(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Softmax over all values of a case."""
    flat = b.flat(values[0])
    return b.op("Softmax", flat, dims=flat.dims, axis=1)


def _ident(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return x


def _relu(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Relu", x)


def _brelu(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Min", _relu(b, x, f), b.real(f.a, "a"))


def _drelu(b: Builder, x: Value, f: Nonlinearity) -> Value:
    squashed = b.elementwise("Tanh", b.elementwise("Div", x, b.real(f.a, "a")))
    return b.elementwise("Sub", x, b.elementwise("Mul", squashed, b.real(f.a, "a")))


def _softrelu(b: Builder, x: Value, f: Nonlinearity) -> Value:
    large = b.elementwise("Greater", x, b.real(ABOVE, "threshold"))
    return b.op("Where", large, x, b.elementwise("Softplus", x), dims=x.dims)


def _logistic(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Sigmoid", x)


def _tanh(b: Builder, x: Value, f: Nonlinearity) -> Value:
    inner = x if f.b == 1 else b.elementwise("Mul", x, b.real(f.b, "b"))
    squashed = b.elementwise("Tanh", inner)
    return squashed if f.a == 1 else b.elementwise("Mul", squashed, b.real(f.a, "a"))


def _abs(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Abs", x)


def _square(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Mul", x, x)


def _sqrt(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Sqrt", x)


def _linear(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Add", b.elementwise("Mul", x, b.real(f.a, "a")), b.real(f.b, "b"))


def _log(b: Builder, x: Value, f: Nonlinearity) -> Value:
    return b.elementwise("Log", b.elementwise("Add", x, b.real(f.a, "a")))


FUNCTIONS: dict[str, Callable[[Builder, Value, Nonlinearity], Value]] = {
    "ident": _ident,
    "relu": _relu,
    "brelu": _brelu,
    "drelu": _drelu,
    "softrelu": _softrelu,
    "logistic": _logistic,
    "tanh": _tanh,
    "abs": _abs,
    "square": _square,
    "sqrt": _sqrt,
    "linear": _linear,
    "log": _log,
}
"""A function for each nonlinearity that is not random."""
