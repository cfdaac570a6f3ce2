"""Shows on stderr what takes long before a command's own output: compiling, reading pictures.

On a terminal that is a line that changes, else a line every few seconds, about the work that began
last.  Short work is not shown.
"""

import sys
import threading
import time

from convnet.commands.output.console import note
from convnet.commands.output.progress_bar import BAR
from convnet.progress import Work

_FIRST = 1.0  # seconds until work is shown
_EVERY = 5.0  # seconds between lines where there is no terminal


class Activity:
    """A `convnet.progress.Display` for the command line."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._timers: dict[int, threading.Timer] = {}  # by the identity of the work, in order
        self._tasks: dict[int, int] = {}  # tasks of the bar, by the same
        self._last_lines: dict[str, float] = {}  # when a line on such work was printed

    def began(self, work: Work) -> None:
        """Show the work if it takes long."""
        self._arm(work, _FIRST)

    def advanced(self, work: Work) -> None:
        """Show how far the work is, if it is shown on a terminal."""
        with self._lock:
            task = self._tasks.get(id(work))
            if task is not None:
                BAR.update(task, work.done, _numbers(work))

    def ended(self, work: Work) -> None:
        """Show the work no longer."""
        with self._lock:
            timer = self._timers.pop(id(work), None)
            if timer is not None:
                timer.cancel()
            task = self._tasks.pop(id(work), None)
            if task is not None:
                BAR.remove(task)

    def _arm(self, work, seconds):
        timer = threading.Timer(seconds, self._show, [work])
        timer.daemon = True
        with self._lock:
            self._timers[id(work)] = timer  # keeps its place if it is there already
        timer.start()

    def _show(self, work):
        with self._lock:
            if id(work) not in self._timers:  # it has just ended
                return
            if sys.stderr.isatty():
                self._tasks[id(work)] = BAR.add(work.what, work.total)
                self.advanced(work)
                return
            if id(work) == next(reversed(self._timers)):
                self._print(work)
            self._arm(work, _EVERY)

    def _print(self, work):
        now = time.monotonic()
        if now - self._last_lines.get(work.what, -_EVERY) >= _EVERY - 0.1:
            self._last_lines[work.what] = now
            numbers = _numbers(work)
            note(f"{work.what}: {numbers}" if numbers else work.what)


def _numbers(work: Work) -> str:
    unit = f" {work.unit}" if work.unit else ""
    if work.total is not None:
        return f"{work.done:,} of {work.total:,}{unit}"
    return f"{work.done:,}{unit}" if work.done else ""
