"""Progress of long work on stderr: a bar on a terminal, else lines."""

import sys
import threading
import time

from convnet.commands.output.console import note, styled
from convnet.display import escaped

LINES_EVERY = 10.0  # seconds between lines where there is no terminal


class SharedBar:
    """The bar of the terminal: open while it has tasks, which several parts of a command may add.

    Its methods may be called from any thread.
    """

    def __init__(self):
        self._lock, self._bar = threading.RLock(), None

    def add(self, what: str, total: float | None, done: int = 0) -> int:
        """Show a task; return its number.  total: None if it is not known."""
        with self._lock:
            if self._bar is None:
                self._bar = open_bar()
            return self._bar.add_task(what, total=total, completed=done, numbers="")

    def update(self, task: int, done: int, numbers: str, what: str | None = None) -> None:
        """Show how far a task is; numbers: a text beside the bar.  what: replaces that of `add`."""
        with self._lock:
            self._bar.update(task, completed=done, numbers=numbers, description=what)

    def remove(self, task: int) -> None:
        """Show a task no longer."""
        with self._lock:
            self._bar.remove_task(task)
            if not self._bar.task_ids:
                self._bar.stop()
                self._bar = None

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        with self._lock:
            self._bar.console.print(escaped(line), highlight=False, markup=False)


BAR = SharedBar()


def open_bar():
    """Start and return a progress bar of rich; its tasks have a field `numbers`."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:3.0f}%"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}"),
    ]
    bar = Bars(*columns, console=Console(file=styled(sys.stderr)), transient=True)
    bar.start()
    return bar


class Counting:
    """Shows how many images of a total are done.  Use as a context manager.

    done: images that an earlier run has done.  shows: False shows nothing.
    """

    def __init__(self, what: str, total: int, done: int = 0, shows: bool = True):
        self._what, self._total, self._shows = what, total, shows
        self._done = self._before = done
        self._task = None

    def __enter__(self):
        self._started = self._last_line = time.monotonic()
        if self._shows and sys.stderr.isatty():
            self._task = BAR.add(self._what, self._total, self._done)
        return self

    def __exit__(self, *_):
        if self._task is not None:
            BAR.remove(self._task)

    def advance(self, images: int) -> None:
        """Show that further images are done."""
        self._done += images
        if self._task is not None:
            BAR.update(self._task, self._done, self._numbers())
        elif self._shows and time.monotonic() - self._last_line > LINES_EVERY:
            self._last_line = time.monotonic()
            share = self._done / self._total
            note(f"{self._what}: {share:.1%}, {self._numbers()}, {self._time_left()}")

    def _speed(self):
        seconds = max(time.monotonic() - self._started, 1e-9)
        return (self._done - self._before) / seconds

    def _numbers(self):
        return f"{self._done:,} of {self._total:,} images, {self._speed():,.0f} images/s"

    def _time_left(self):
        minutes = (self._total - self._done) / max(self._speed(), 1e-9) / 60
        return f"{minutes:,.0f} min left" if minutes < 100 else f"{minutes / 60:,.1f} h left"
