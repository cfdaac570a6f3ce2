"""The arrays that a layer's calls are recorded with: views of planned memory, not data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class ArrayView(Protocol):
    """What a layer may do with an array: see its values per case in another shape.

    The cases are the last dimension, which the methods leave out.
    """

    @property
    def size(self) -> int:
        """Values per case."""

    def flat(self) -> "ArrayView":
        """(values, cases)"""

    def shaped(self, *dims: int) -> "ArrayView":
        """The same values in another shape; ValueError if it has another size."""

    def merged(self, rows: int) -> "ArrayView":
        """(rows, all the rest times cases)"""

    def rows(self, start: int, count: int) -> "ArrayView":
        """Rows start .. start + count of the flat view."""

    def same_memory(self, other: Any) -> bool:
        """Whether another view covers the same values."""


class _NoArray:
    """Stands for an array that layers of a kind do not have; any use is an error."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the layer has no such array, and asks for its {name}")

    def __repr__(self) -> str:
        return "NO_ARRAY"


NO_ARRAY: Any = _NoArray()


@dataclass
class Values:
    """The arrays of one layer, while its calls are recorded.

    x, y: inputs and output; costs have no output.  w, b: weights by input, biases.  saved: by name.
    dy: gradient of the output.  dx, dw, db: gradients to compute, None where none is wanted.
    adds[i]: dx[i] already holds the gradient of another consumer of the input.  w_adds[i], b_adds:
    dw[i], db already hold the gradient of another user of the same weights.  costs: the numbers a
    cost layer reports.  random: the state of the random numbers.  tables: by name.
    """

    x: list[ArrayView]
    y: ArrayView = NO_ARRAY
    w: list[ArrayView] = field(default_factory=list)
    b: ArrayView = NO_ARRAY
    saved: Mapping[str, ArrayView] = field(default_factory=dict)
    dy: ArrayView = NO_ARRAY
    dx: list[ArrayView | None] = field(default_factory=list)
    adds: list[bool] = field(default_factory=list)
    dw: list[ArrayView | None] = field(default_factory=list)
    w_adds: list[bool] = field(default_factory=list)
    db: ArrayView | None = None
    b_adds: bool = False
    costs: ArrayView = NO_ARRAY
    random: ArrayView = NO_ARRAY
    training: bool = False
    tables: Mapping[str, ArrayView] = field(default_factory=dict)


@dataclass(frozen=True)
class UpdateArrays:
    """What an update reads and writes: a trained array and what belongs to it.

    hyper: [momentum, rate / cases, rate * decay].  moments: running means of the gradient, by name.
    """

    value: ArrayView
    gradient: ArrayView
    velocity: ArrayView
    hyper: ArrayView
    moments: Mapping[str, ArrayView]
