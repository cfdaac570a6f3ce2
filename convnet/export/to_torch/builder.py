"""The lines and arrays of a `torch.nn.Module` while it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from convnet.export.model import Model
from convnet.export.to_torch.names import Identifiers
from convnet.export.to_torch.source import pieces
from convnet.export.windows import Windows
from convnet.graph.graph import Node

Dims = tuple[int, ...]
WIDTH = 92  # of a line without the indentation of a method's body


@dataclass(frozen=True)
class Value:
    """An expression that can be followed by a dot.  dims: its shape without the batch."""

    text: str
    dims: Dims


@dataclass
class Builder:
    """Collects the lines of __init__ and of forward.

    model: what is exported.  members: lines of __init__.  lines: of forward.  arrays: the state of
    the module by name.  used: names of functions and classes of pieces.py.  name: the identifier of
    the layer that is written.
    """

    model: Model
    members: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    names: Identifiers = field(default_factory=lambda: Identifiers(pieces()))
    name: str = ""
    _owners: dict[str, str] = field(default_factory=dict)

    # -- members -----------------------------------------------------------------------------------

    def module(self, name: str, text: str, **arrays: np.ndarray) -> str:
        """Add a module as an attribute; return how forward writes it.  arrays: its state."""
        self.members.append(f"self.{name} = {text}")
        self.arrays |= {f"{name}.{key}": array for key, array in arrays.items()}
        return f"self.{name}"

    def weighted(self, node: Node, index: int, text: str, **arrays: np.ndarray) -> str:
        """Add a module with the weights of an input, or those that it shares with another one.

        arrays: its state but the weights.
        """
        count = len(node.layer.weights())
        name = self.name if count == 1 else self.names.new(f"{self.name}_{index}")
        owner = self._owners.setdefault(self.model.weights_name(node, index), name)
        if owner == name:
            arrays["weight"] = self.model.weights(node, index)
        called = self.module(name, text, **arrays)
        if owner != name:
            self.members.append(f"{called}.weight = self.{owner}.weight")
        return called

    def biases(self, node: Node, *dims: int) -> str:
        """Add the biases of a node as a parameter of their own; return how forward writes it."""
        name = self.names.new(f"{self.name}_bias")
        self.arrays[name] = self.model.biases(node).reshape(dims)
        self.members.append(f"self.{name} = nn.Parameter({_zeros(dims)})")
        return f"self.{name}"

    def buffer(self, what: str, array: np.ndarray) -> str:
        """Add an array that is not trained; return how forward writes it."""
        name = self.names.new(f"{self.name}_{what}")
        self.arrays[name] = array
        kind = ", dtype=torch.long" if array.dtype.kind == "i" else ""
        zeros = _zeros(array.shape, kind)
        self.members.append(f'self.register_buffer("{name}", {zeros})')
        return f"self.{name}"

    # -- forward -----------------------------------------------------------------------------------

    def call(self, piece: str, *arguments: object) -> str:
        """Return a call of a function of pieces.py; texts are written as they are."""
        self.used.add(piece)
        return f"{piece}({', '.join(map(_text, arguments))})"

    def assign(self, name: str, text: str) -> None:
        """Add a line that gives a variable a value, unless it has it."""
        if text != name:
            self.lines.append(f"{name} = {text}")

    def shaped(self, value: Value, *dims: int) -> Value:
        """Return a value in another shape; itself if it has it."""
        if value.dims == dims:
            return value
        if prod(value.dims) != prod(dims):
            raise ValueError(f"{value.text} of {value.dims} in the shape {dims}")
        flat = self.flat(value)
        return flat if len(dims) == 1 else Value(f"{flat.text}.unflatten(1, {dims})", dims)

    def flat(self, value: Value) -> Value:
        """Return the values of a case as one vector."""
        if len(value.dims) == 1:
            return value
        return Value(f"{value.text}.flatten(1)", (prod(value.dims),))


def pads(windows: Windows) -> tuple[int, int, int, int]:
    """Return what F.pad takes: pixels to add left, right, above and below, to drop if negative."""
    ends = windows.before, windows.after
    return (*ends, *ends)


def sum_text(terms: Iterable[str]) -> str:
    """Return the sum of terms, on several lines where one would be too long."""
    first, *others = terms
    signed = [f"- {term[1:]}" if term.startswith("-") else f"+ {term}" for term in others]
    line = " ".join([first, *signed])
    if len(line) <= WIDTH or not others:
        return line
    return "(\n    " + "\n    ".join([first, *signed]) + "\n)"


def call_text(function: str, items: Iterable[str], last: str) -> str:
    """Return a call with a list of items and another argument.

    On several lines where one would be too long.
    """
    items = list(items)
    line = f"{function}([{', '.join(items)}], {last})"
    if len(line) <= WIDTH:
        return line
    listed = "".join(f"        {item},\n" for item in items)
    return f"{function}(\n    [\n{listed}    ],\n    {last},\n)"


def settings(values: Mapping[str, object], defaults: Mapping[str, object]) -> str:
    """Return ", key=value" of each value that is not the default."""
    return "".join(
        f", {key}={value!r}" for key, value in values.items() if value != defaults.get(key)
    )


def _text(argument: object) -> str:
    return argument if isinstance(argument, str) else repr(argument)


def _zeros(dims: Iterable[int], rest: str = "") -> str:
    return f"torch.zeros({', '.join(map(str, dims))}{rest})"


Rule = Callable[[Builder, Node, list[Value]], Value]
