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
    "linear": "{a} * {x} + {b}",
    "log": "torch.log({x} + {a})",
}
"""The text of each nonlinearity that is not random; numbers are in parentheses if negative."""


def neuron(b: Builder, node: Node, values: list[Value]) -> Value:
    """The text of the nonlinearity."""
    f, x = cast(Neuron, node.layer).function, values[0]
    if (f.kind, f.a, f.b) == ("tanh", 1, 1):
        return Value(f"torch.tanh({x.text})", x.dims)
    text = FUNCTIONS[f.kind].format(x=x.text, a=number(f.a), b=number(f.b))
    return Value(text, x.dims)


def softmax(b: Builder, node: Node, values: list[Value]) -> Value:
    """A softmax over all values of a case."""
    flat = b.flat(values[0])
    return Value(f"torch.softmax({flat.text}, 1)", flat.dims)


def number(value: float) -> str:
    """Return a number as a term of an expression."""
    return repr(value) if value >= 0 else f"({value!r})"
