"""The constants of an ONNX graph, and what reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convnet.display import quoted
from convnet.foreign.onnx_file.tensors import (
    MOST_DIMS,
    Damaged,
    Unread,
    shape_of,
    text,
    values_of,
)

_FLOAT, _INTS, _TENSOR = 1, 7, 4  # onnx.TensorProto.DataType, onnx.AttributeProto.AttributeType
_KEEPS_ORDER = frozenset(
    "Flatten Reshape Squeeze Identity Dropout Cast Relu LeakyRelu PRelu Elu Selu Clip Sigmoid "
    "HardSigmoid Tanh Softplus Softsign Abs Neg Exp Log Sqrt".split()
)
_CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class Constant:
    """A tensor, with its axes in another order if `order` is not None.

    name: of the initializer, or of the output of the operator Constant.
    """

    name: str
    tensor: Any
    order: tuple[int, ...] | None = None

    def shape(self) -> tuple[int, ...]:
        """Return its shape.  Unread, Damaged: as `tensors.shape_of`."""
        shape = shape_of(self.tensor)
        return shape if self.order is None else tuple(shape[axis] for axis in self.order)

    def transposed(self, order: tuple[int, ...]) -> Constant | None:
        """Return the constant with its axes in another order; None if it has others."""
        if len(self.tensor.dims) > MOST_DIMS or sorted(order) != list(range(len(self.tensor.dims))):
            return None
        before = self.order or tuple(range(len(order)))
        return Constant(self.name, self.tensor, tuple(before[axis] for axis in order))


@dataclass
class Operator:
    """A node of the graph, with its position, the names it reads and the names it makes."""

    number: int
    node: Any
    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is an integer."""
        return next((int(a.i) for a in self.node.attribute if text(a.name) == name), default)

    def number_of(self, name: str, default: float) -> float:
        """Return an attribute that is a number."""
        return next((float(a.f) for a in self.node.attribute if text(a.name) == name), default)

    def integers(self, name: str) -> tuple[int, ...]:
        """Return an attribute that is a list of integers; () if there is none."""
        for attribute in self.node.attribute:
            if text(attribute.name) == name and attribute.type == _INTS:
                return tuple(attribute.ints)
        return ()

    def shown(self) -> str:
        """Return how a message names it."""
        return quoted(self.name) if self.name else f"operator {self.number}, {quoted(self.kind)},"


@dataclass
class Graph:
    """What is known of a graph's values.

    constants: by the name of a value.  readers: how often each value is read, the graph's outputs
    included.  used: names of constants whose values have been taken.  reasons: of others, why not.
    channels_last: values of images whose channels are the last axis, or made flat like that.
    """

    constants: dict[str, Constant] = field(default_factory=dict)
    readers: Counter[str] = field(default_factory=Counter)
    used: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    channels_last: set[str] = field(default_factory=set)
    _values: dict[str, np.ndarray] = field(default_factory=dict)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of a constant of floats; None if the value is none."""
        constant = self.constants.get(name)
        try:
            return constant.shape() if constant else None
        except Unread as reason:
            self.refuse(name, str(reason))
            return None
        except Damaged as problem:
            raise Damaged(f"{quoted(name)} {problem}") from None

    def take(self, name: str) -> np.ndarray:
        """Return the values of a constant, float32, which are decoded once however often used."""
        constant = self.constants[name]
        if constant.name not in self._values:
            try:
                self._values[constant.name] = values_of(constant.tensor)
            except Damaged as problem:
                raise Damaged(f"{quoted(constant.name)} {problem}") from None
        self.used.add(constant.name)
        values = self._values[constant.name]
        return values if constant.order is None else values.transpose(constant.order)

    def refuse(self, name: str, reason: str) -> None:
        """Note why a constant is not taken; the first reason counts."""
        constant = self.constants.get(name)
        if constant is not None:
            self.reasons.setdefault(constant.name, reason)

    def left(self) -> Iterator[tuple[str, str]]:
        """The constants that have not been taken, and why."""
        for name in dict.fromkeys(constant.name for constant in self.constants.values()):
            if name not in self.used:
                yield name, self.reasons.get(name, "no operator reads it")


def graph_of(found: Any) -> tuple[Graph, list[Operator]]:
    """Return a graph's constants, and its operators but those that make constants, in order.

    Damaged if an operator reads what none before it makes, as in a cycle, or if two make a value of
    the same name.
    """
    graph = Graph()
    for tensor in found.initializer:
        graph.constants[text(tensor.name)] = Constant(text(tensor.name), tensor)
    known = {*graph.constants, *(text(value.name) for value in found.input), ""}
    known |= {text(sparse.values.name) for sparse in found.sparse_initializer}
    operators = []
    for number, node in enumerate(found.node, 1):
        operator = Operator(
            number,
            node,
            text(node.op_type) if text(node.domain) in ("", "ai.onnx") else "?",
            text(node.name),
            [text(name) for name in node.input],
            [text(name) for name in node.output if text(name)],
        )
        _check_order(operator, known)
        known.update(operator.outputs)
        graph.readers.update(operator.inputs)
        if not _is_constant(graph, operator):
            _follow_channels(graph, operator)
            operators.append(operator)
    graph.readers.update(text(value.name) for value in found.output)
    return graph, operators


def _check_order(operator: Operator, known: set[str]) -> None:
    name = operator.shown()
    for value in operator.inputs:
        if value not in known:
            raise Damaged(f"{name} reads {quoted(value)}, which no operator before it makes")
    if not known.isdisjoint(operator.outputs) or len(set(operator.outputs)) < len(operator.outputs):
        raise Damaged(f"{name} makes a value that is there already")


def _is_constant(graph: Graph, operator: Operator) -> bool:
    """Note the output of an operator that makes a constant, or passes one on; else return False."""
    made = _made(graph, operator)
    if made is None or len(operator.outputs) != 1:
        return False
    graph.constants[operator.outputs[0]] = made
    return True


def _made(graph: Graph, operator: Operator) -> Constant | None:
    if operator.kind == "Constant":
        for attribute in operator.node.attribute:
            if text(attribute.name) == "value" and attribute.type == _TENSOR:
                return Constant((operator.outputs or [""])[0], attribute.t)
        return None
    known = graph.constants.get(operator.inputs[0]) if operator.inputs else None
    if known is None:
        return None
    if operator.kind == "Identity":
        return known
    if operator.kind == "Cast" and operator.integer("to", 0) == _FLOAT:
        return known
    if operator.kind == "Transpose":
        dims = len(known.tensor.dims)
        return known.transposed(operator.integers("perm") or tuple(range(dims))[::-1])
    return None


def _follow_channels(graph: Graph, operator: Operator) -> None:
    """Note whether the values that an operator makes have their channels last."""
    source = operator.inputs[0] if operator.inputs else ""
    if operator.kind == "Transpose":
        order = operator.integers("perm")
        last = order == _CHANNELS_LAST
    else:
        last = operator.kind in _KEEPS_ORDER and source in graph.channels_last
    if last:
        graph.channels_last.update(operator.outputs)
