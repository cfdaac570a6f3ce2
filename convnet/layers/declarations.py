"""What a layer is given and declares: shapes, weights, memory, tables, facts of the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple, Protocol

from convnet.layers.tree import Tree


class Shape(NamedTuple):
    """Values of one case: channels, rows, columns.  Flat values are (n, 1, 1)."""

    channels: int
    height: int = 1
    width: int = 1

    @property
    def size(self) -> int:
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        flat = self.height == self.width == 1
        return str(self.channels) if flat else f"{self.channels}x{self.height}x{self.width}"


class Dialect(Protocol):
    """What layers ask of the dialect of the spec files; `graph.dialect` answers."""

    @property
    def name(self) -> str: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def norms_with_min_div(self) -> tuple[str, ...]: ...

    @property
    def rates_are_schedules(self) -> bool: ...

    @property
    def ball_times_fan_in(self) -> bool: ...

    @property
    def ball_is_sphere(self) -> bool: ...

    @property
    def coeffs_file(self) -> str: ...

    @property
    def super_eps_acts(self) -> bool: ...

    @property
    def rscale_tests_on_center(self) -> bool: ...

    @property
    def rscale_computes_side(self) -> bool: ...


@dataclass(frozen=True)
class DataFacts:
    """What is known of the data while a graph is built.

    dims: values per case of each data matrix, by dataIdx.  classes: number of classes.  tree: of
    the labels.
    """

    dims: Mapping[int, int] = field(default_factory=dict)
    classes: int | None = None
    tree: Tree | None = None


NO_FACTS = DataFacts()


class FieldError(Exception):
    """A field's value does not fit; the builder adds the location in the file."""

    def __init__(self, field_name: str, message: str, index: int | None = None, hint: str = ""):
        super().__init__(message)
        self.field_name, self.message, self.index, self.hint = field_name, message, index, hint


@dataclass(frozen=True)
class Weight:
    """A parameter array of a layer: its shape and its initial values.

    deviation: standard deviation of the normal distribution that is sampled; constant is added.
    blocks: (blocks, weights a filter, filters), the three-dimensional view in which each filter is
    one column (for norm constraints).  drawn: how many of the first rows are sampled, the others
    being constant; None: all.
    """

    shape: tuple[int, ...]
    blocks: tuple[int, int, int]
    deviation: float = 0.0
    constant: float = 0.0
    drawn: int | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Saved:
    """Memory that a layer's forward fills and its backward reads: values per case, and their type.

    dtype: "real" (the network's float type) or a NumPy type name.  at_input: on the first input's
    device instead of the layer's own.
    """

    shape: tuple[int, ...]
    dtype: str = "real"
    at_input: bool = False


@dataclass(frozen=True)
class Table:
    """Integers that a layer's calls read, the same in every minibatch.

    values: the integers; or, where None, `size` integers from random permutations of `permuted`
    channels, one behind the other, sampled once and saved with the weights.  input: the input whose
    weights they belong to; where those are shared, so are they.
    """

    size: int
    values: tuple[int, ...] | None = None
    permuted: int = 0
    input: int | None = None
