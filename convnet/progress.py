"""What long work tells whoever shows it: that it began, how far it is, and that it ended.

Any part of the program may report; nothing is shown unless a display is set, as the command line
does (`convnet.commands.output.activity`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass
class Work:
    """Long work.

    what: such as "reading pictures".  done, total: counts of `unit`; total is None if not known.
    """

    what: str
    total: int | None = None
    unit: str = ""
    done: int = 0


class Display(Protocol):
    """Shows work.  Its methods are called from any thread."""

    def began(self, work: Work) -> None: ...

    def advanced(self, work: Work) -> None: ...

    def ended(self, work: Work) -> None: ...


class _Nothing:
    """The display if there is none."""

    def began(self, work: Work) -> None: ...

    def advanced(self, work: Work) -> None: ...

    def ended(self, work: Work) -> None: ...


_displays: list[Display] = [_Nothing()]  # the last one shows


@contextmanager
def shown_by(display: Display) -> Iterator[None]:
    """Context in which all work of this process, in any thread, is shown by a display."""
    _displays.append(display)
    try:
        yield
    finally:
        _displays.remove(display)


class Report:
    """Work that is being done, and who shows it."""

    def __init__(self, work: Work) -> None:
        self.work, self._display = work, _displays[-1]
        self._display.began(work)

    def advance(self, count: int = 1) -> None:
        """Say that so much more is done."""
        self.reach(self.work.done + count)

    def reach(self, done: int) -> None:
        """Say how much is done."""
        self.work.done = done
        self._display.advanced(self.work)

    def end(self) -> None:
        """Say that the work has ended."""
        self._display.ended(self.work)


@contextmanager
def reported(what: str, total: int | None = None, unit: str = "") -> Iterator[Report]:
    """Report work while the context is open.  Parameters are those of `Work`."""
    report = Report(Work(what, total, unit))
    try:
        yield report
    finally:
        report.end()
