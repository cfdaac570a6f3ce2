"""Neurons and `softmax` (docs/dialect.md, 4 and 3.7)."""

from typing import cast

from convnet.export.to_torch.builder import Builder, Value
from convnet.graph.graph import Node
from convnet.layers.neuron import Neuron

FUNCTIONS = {
    "ident": "{x}",
    "relu": "F.relu({x})",
    "brelu": "F.relu({x}).clamp(max={a})",
    "drelu": "{x} - {a} * torch.tanh({x} / {a})",
    "softrelu": "torch.where({x} > 4, {x}, F.softplus({x}))",
    "logistic": "torch.sigmoid({x})",
    "tanh": "{a} * torch.tanh({b} * {x})",
    "abs": "{x}.abs()",
    "square": "{x}.square()",
    "sqrt": "{x}.sqrt()",
    "linear": "{a} * {x}{plus_b}",
    "log": "torch.log({x}{plus_a})",
}
"""The text of each nonlinearity that is not random."""


def neuron(b: Builder, node: Node, values: list[Value]) -> Value:
    """The text of the nonlinearity."""
    f, x = cast(Neuron, node.layer).function, values[0]
    if (f.kind, f.a, f.b) == ("tanh", 1, 1):
        return Value(f"torch.tanh({x.text})", x.dims)
    numbers = {"a": repr(f.a), "b": repr(f.b), "plus_a": plus(f.a), "plus_b": plus(f.b)}
    return Value(FUNCTIONS[f.kind].format(x=x.text, **numbers), x.dims)


def softmax(b: Builder, node: Node, values: list[Value]) -> Value:
    """A softmax over all values of a case."""
    flat = b.flat(values[0])
    return Value(f"torch.softmax({flat.text}, 1)", flat.dims)


def plus(value: float) -> str:
    """Return what adds a number to the expression before it; "" for 0."""
    sign = "-" if value < 0 else "+"
    return f" {sign} {abs(value)!r}" if value else ""
