"""Weights in the form in which operations use them, kept while the weights stay the same.

A convolution transforms or packs its filters before it uses them.  In a network that is only
tested, the result is kept from one minibatch to the next: with a few images, that is a tenth of the
time.  A network in training has other weights in each step, and does not need the memory twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from convnet.backends.base import Form, Implementation
from convnet.backends.cpu.scratch import aligned
from convnet.network.memory import Buffer, View
from convnet.network.record import Step


class Prepared:
    """Weights in one form; `memory` is what an operation receives for them."""

    def __init__(self, weights: "PreparedWeights", size: int) -> None:
        self.memory = aligned(size, np.dtype(np.uint8))
        self._weights, self._version = weights, -1

    def is_current(self) -> bool:
        """Return whether no weight has changed since `be_current`."""
        return self._version == self._weights.version

    def be_current(self) -> None:
        """Take note that the memory was filled from the weights as they are."""
        self._version = self._weights.version


class PreparedWeights:
    """All prepared weights of an engine.

    version: changes whenever a weight may have changed.
    """

    def __init__(self) -> None:
        self.version = 0
        self._constant: set[Buffer] = set()
        self._found: dict[tuple[View, Form], Prepared] = {}

    def expect(
        self,
        programs: Mapping[str, Sequence[Step]],
        written: Callable[[Step], Iterable[int]],
    ) -> None:
        """Take note of the weights that no program writes.

        written(step): the positions of the arguments that a step writes.
        """
        steps = [step for program in programs.values() for step in program]
        arguments = [step.arguments[place] for step in steps for place in written(step)]
        changed = {view.buffer for view in arguments if isinstance(view, View)}
        read = {view.buffer for step in steps for view in step.views()}
        self._constant = {buffer for buffer in read - changed if buffer.role == "weights"}

    def changed(self, buffer: Buffer) -> None:
        """Take note that somebody has written to a buffer."""
        if buffer.role == "weights":
            self.version += 1

    def of(self, step: Step, function: Implementation, arguments: Sequence[Any]) -> Prepared | None:
        """Return the memory of a step's prepared weights; None if it is not to be kept.

        arguments: the step's, with arrays in place of views.
        """
        if function.prepared_form is None:
            return None
        (place,) = function.operation.positions(["w"])
        view = step.arguments[place]
        if view.buffer not in self._constant:
            return None
        form = function.prepared_form(*arguments)
        if (view, form) not in self._found:
            self._found[view, form] = Prepared(self, form.size)
        return self._found[view, form]
