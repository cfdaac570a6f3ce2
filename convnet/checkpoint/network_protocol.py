"""What checkpoints read and write of a network; `convnet.network.network.Network` has all of it.

Checkpoints lie below networks in the order of imports, so the types are stated here as protocols.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from convnet.language.specfile import SpecFile


class Shaped(Protocol):
    """A view of memory on a device; only its engine knows more of it."""

    @property
    def dims(self) -> tuple[int, ...]: ...


class Parameter(Protocol):
    """Weights or biases.

    state_names: of the arrays that updates maintain, "velocity" and the moments of the gradient;
    none if frozen.
    """

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> Shaped: ...

    @property
    def state_names(self) -> tuple[str, ...]: ...


class TableSpec(Protocol):
    """`size` integers of a layer: `values`, or where None random permutations of `permuted`."""

    @property
    def size(self) -> int: ...

    @property
    def permuted(self) -> int: ...

    @property
    def values(self) -> tuple[int, ...] | None: ...


class Table(Protocol):
    """A table of integers in a network's memory."""

    @property
    def spec(self) -> TableSpec: ...

    @property
    def value(self) -> Shaped: ...


class Named(Protocol):
    @property
    def name(self) -> str: ...


class Graph(Protocol):
    """The spec files that a network was built from, and the dialect they were read in."""

    @property
    def layers_file(self) -> SpecFile: ...

    @property
    def params_file(self) -> SpecFile | None: ...

    @property
    def dialect(self) -> Named: ...


class Engine(Protocol):
    """Reads and writes views.  `Any`: a view is of the engine's own type."""

    @property
    def real(self) -> np.dtype[Any]: ...

    def read(self, view: Any, cases: int) -> np.ndarray: ...

    def write(self, view: Any, cases: int, values: Any) -> None: ...


class NetworkState(Protocol):
    """A network with memory.  step: training steps done; cases: of the minibatch last loaded."""

    seed: int
    step: int

    @property
    def graph(self) -> Graph: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def cases(self) -> int: ...

    @property
    def parameters(self) -> Mapping[str, Parameter]: ...

    @property
    def tables(self) -> Mapping[str, Table]: ...

    def read(self, parameter: Any) -> np.ndarray: ...

    def write(self, parameter: Any, values: Any) -> None: ...

    def read_state(self, parameter: Any, name: str) -> np.ndarray: ...

    def write_state(self, parameter: Any, name: str, values: Any) -> None: ...

    def write_table(self, table: Any, values: Any) -> None: ...

    def unfinished(self, step: int) -> Mapping[str, Shaped]: ...
