"""The operators and arrays of an ONNX graph while it is made, before it is a protocol buffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from convnet.export.model import Model, float32
from convnet.export.windows import Windows
from convnet.graph.graph import Node

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """A value of the graph.  dims: its shape without the batch, which comes first."""

    name: str
    dims: Dims


@dataclass
class Operator:
    """A node of the graph: an operator of ONNX with its inputs, its output and attributes."""

    kind: str
    name: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]


@dataclass
class Builder:
    """Collects operators and arrays.

    The output of a layer, after its neuron, has the layer's name.  All other names have the form
    layer/what, which no layer's name has.

    model: what is exported.  arrays: the initializers by name.  scope: the layer that is written.
    """

    model: Model
    operators: list[Operator] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    scope: str = ""
    _taken: dict[str, int] = field(default_factory=dict)
    _flat: dict[str, Value] = field(default_factory=dict)

    # -- operators ---------------------------------------------------------------------------------

    def op(self, kind: str, *inputs: Value | str, dims: Dims, **attributes: Any) -> Value:
        """Add an operator and return its output, whose shape of a case is `dims`."""
        names = [each.name if isinstance(each, Value) else each for each in inputs]
        name = self._new(kind)
        self.operators.append(Operator(kind, name, names, name, attributes))
        return Value(name, dims)

    def elementwise(self, kind: str, value: Value, *others: Value | str) -> Value:
        """Add an operator whose output has the shape of `value`, its first input."""
        return self.op(kind, value, *others, dims=value.dims)

    def shaped(self, value: Value, *dims: int) -> Value:
        """Return a value in another shape; itself if it has it."""
        if value.dims == dims:
            return value
        if prod(value.dims) != prod(dims):
            raise ValueError(f"{value.name} of {value.dims} in the shape {dims}")
        return self.op("Reshape", value, self.integers(0, *dims), dims=dims)

    def flat(self, value: Value) -> Value:
        """Return the values of a case as one vector, the same one at every call."""
        if len(value.dims) == 1:
            return value
        if value.name not in self._flat:
            self._flat[value.name] = self.op("Flatten", value, dims=(prod(value.dims),), axis=1)
        return self._flat[value.name]

    def total(self, values: Sequence[Value]) -> Value:
        """Return the sum of values of one shape."""
        sum_, *others = values
        for value in others:
            sum_ = self.elementwise("Add", sum_, value)
        return sum_

    def transposed(self, value: Value, order: Sequence[int], dims: Dims) -> Value:
        """Return a value with its axes in another order; axis 0 is the batch."""
        return self.op("Transpose", value, dims=dims, perm=list(order))

    def padded(self, value: Value, *axes: tuple[int, int]) -> Value:
        """Return a value with zeros added before and after each axis but the batch."""
        if not any(before or after for before, after in axes):
            return value
        dims = tuple(d + sum(more) for d, more in zip(value.dims, axes, strict=True))
        pads = [[0, *ends] for ends in zip(*axes, strict=True)]
        return self.op("Pad", value, self.integers(*pads[0], *pads[1]), dims=dims)

    def sliced(self, value: Value, axis: int, start: int, count: int, step: int = 1) -> Value:
        """Return `count` places of an axis of a case, `step` apart, from `start` on."""
        if (start, step) == (0, 1) and count == value.dims[axis]:
            return value
        stop = start + (count - 1) * step + (1 if step > 0 else -1)
        stop = stop if stop >= 0 else -value.dims[axis] - 1  # below 0, places count from the end
        dims = (*value.dims[:axis], count, *value.dims[axis + 1 :])
        ends = (self.integers(each) for each in (start, stop, axis + 1, step))
        return self.op("Slice", value, *ends, dims=dims)

    def reached(self, image: Value, windows: Windows) -> Value:
        """Return the part of an image, (channels, side, side), that its windows reach."""
        start = max(0, -windows.before)
        count = windows.side - start + min(0, windows.after)
        for axis in (1, 2):
            image = self.sliced(image, axis, start, count)
        return image

    def renamed(self, value: Value, name: str, since: int) -> Value:
        """Return a value under another name, if it is an output of an operator after `since`."""
        for operator in self.operators[since:]:
            if operator.output == value.name:
                operator.output, found = name, Value(name, value.dims)
                self._flat = {n: found if v == value else v for n, v in self._flat.items()}
                return found
        return value

    # -- arrays ------------------------------------------------------------------------------------

    def real(self, array: npt.ArrayLike, what: str = "constant") -> str:
        """Add a float32 array and return its name."""
        return self._array(what, np.asarray(array, np.float32))

    def integers(self, *values: int, what: str = "integers") -> str:
        """Add a vector of integers and return its name."""
        return self._array(what, np.array(values, np.int64))

    def indices(self, array: npt.ArrayLike, what: str = "indices") -> str:
        """Add an array of integers and return its name."""
        return self._array(what, np.asarray(array, np.int64))

    def weights(
        self, node: Node, index: int, form: Callable[[np.ndarray], np.ndarray] = np.asarray
    ) -> str:
        """Add the weights of an input, once for all layers that share them; return the name.

        form: brings them from the layout of docs/export.md into that of the operator.
        """
        array = float32(form(self.model.weights(node, index)))
        name = self.model.weights_name(node, index).replace(".weights.", "/weights.")
        if name in self.arrays and self.arrays[name].shape != array.shape:
            return self._array("weights", array)  # groups or parts differ from their owner's
        self.arrays[name] = array
        return name

    def connections(self, node: Node, index: int) -> str:
        """Add the channels that an input with randSparse sees, once for all layers that share them;
        return the name.
        """
        name = self.model.connections_name(node, index).replace(".connections.", "/connections.")
        self.arrays[name] = self.model.connections(node, index)
        return name

    def biases(self, node: Node, *dims: int) -> str:
        """Add the biases of a node, in a shape, and return the name."""
        array = self.model.biases(node)
        return self._array("biases", array.reshape(dims) if dims else array)

    def _array(self, what: str, array: np.ndarray) -> str:
        name = self._new(what)
        self.arrays[name] = array
        return name

    def _new(self, what: str) -> str:
        """A name that is not taken yet."""
        name = f"{self.scope}/{what}"
        count = self._taken[name] = self._taken.get(name, 0) + 1
        return name if count == 1 else f"{name}.{count}"


Rule = Callable[[Builder, Node, list[Value]], Value]
