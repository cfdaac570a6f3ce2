"""Callbacks for the events of a run.  The library prints nothing; a display derives from these."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convnet.checkpoint import Position
from convnet.train.cost_average import Costs


class Observer:
    """Base class whose methods do nothing.  Records are those of the journal, as dictionaries."""

    def on_start(self, record: dict[str, Any]) -> None:
        """Training begins: a `start` or `resume` record."""

    def on_step(self, position: Position, costs: Costs) -> None:
        """A minibatch was trained: the position after it, its costs per case."""

    def on_train(self, record: dict[str, Any]) -> None:
        """A `train` record: the means over the minibatches since the one before."""

    def on_test(self, record: dict[str, Any]) -> None:
        """A `test` record."""

    def on_save(self, path: Path) -> None:
        """A checkpoint was saved."""

    def on_message(self, text: str) -> None:
        """A line for the user.  May be called from within a signal handler."""


class Observers(Observer):
    """Passes each event on to several observers, in order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def on_start(self, record: dict[str, Any]) -> None:
        for each in self._observers:
            each.on_start(record)

    def on_step(self, position: Position, costs: Costs) -> None:
        for each in self._observers:
            each.on_step(position, costs)

    def on_train(self, record: dict[str, Any]) -> None:
        for each in self._observers:
            each.on_train(record)

    def on_test(self, record: dict[str, Any]) -> None:
        for each in self._observers:
            each.on_test(record)

    def on_save(self, path: Path) -> None:
        for each in self._observers:
            each.on_save(path)

    def on_message(self, text: str) -> None:
        for each in self._observers:
            each.on_message(text)
