"""What a network asks of an engine: memory for its buffers, and programs that run on it."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from convnet.network.memory import Buffer, View
from convnet.network.record import Step
from convnet.network.trace import Span


class Times(Protocol):
    """Collects when the steps of programs run."""

    def spans(self) -> list[Span]:
        """The steps that have run so far; waits until they are done."""
        ...


class Program(Protocol):
    """Steps bound to an engine's memory, for minibatches of one size."""

    def run(self) -> None:
        """Run the steps.  An engine may go on working when this returns."""
        ...

    def timed(self, times: Any, /) -> None:
        """Run the steps and add when each ran to `times`, one of the engine's own."""
        ...


class Port(Protocol):
    """A view as bytes of the host's memory, which go to another process or come from it.

    array: contiguous; it may be the view's own memory.
    """

    @property
    def array(self) -> np.ndarray: ...

    def pack(self) -> None:
        """Bring the view's values to `array`."""
        ...

    def unpack(self) -> None:
        """Bring the values of `array` to the view."""
        ...


class Engine(Protocol):
    """Memory and execution on some machine.

    kind: "cpu" or "cuda".

    loads_ahead: whether there is memory for a second minibatch, which `fill` and the program `load`
    bring in while other programs run on the first.
    """

    kind: str
    loads_ahead: bool

    @property
    def real(self) -> np.dtype[Any]:
        """The type of buffers whose dtype is "real"."""
        ...

    def unused(self, step: Step) -> set[int]:
        """Positions of the arguments that a step does not touch; None may be given instead."""
        ...

    def expect(self, programs: Mapping[str, list[Step]]) -> None:
        """Take note of all programs that will run; before `allocate`."""
        ...

    def has(self, buffer: Buffer) -> bool:
        """Whether this process has a buffer and keeps its values; not if another one does."""
        ...

    def allocate(self, buffers: list[Buffer], minibatch: int) -> None:
        """Allocate the memory of the buffers that this process has.  DeviceError.

        minibatch: cases that per-case buffers hold.
        """
        ...

    def program(self, steps: list[Step], sizes: tuple[int, ...]) -> Program:
        """The steps bound to memory; sizes: cases of each microbatch."""
        ...

    def read(self, view: View, cases: int) -> np.ndarray:
        """A copy of a view's values."""
        ...

    def write(self, view: View, cases: int, values: Any) -> None:
        """Set a view's values; `values` broadcasts to its shape."""
        ...

    def fill(self, view: View, cases: int, values: np.ndarray) -> None:
        """Set data of the next minibatch."""
        ...

    def swap(self) -> None:
        """Make the minibatch that was filled in last the one that programs run on."""
        ...

    def times(self) -> Times:
        """A new collection of times for `Program.timed`."""
        ...
