"""Several processes at a time, each of which writes into a log of its own.

A process holds a lock on its log until it ends, however it ends: where the process that started it
was killed, the next one sees that the work still goes on, and waits instead of doing it twice.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from convnet.errors import DataError
from convnet.stored.files import reason

_POLL = 0.05  # seconds between looks at the processes
_POLL_LOCK = 1.0  # at a log that another process holds
_GRACE = 10.0  # until a process that was told to stop at once is killed


@dataclass(frozen=True)
class Work:
    """A process to start.  words: behind `python -m convnet`."""

    name: str
    words: tuple[str, ...]
    log: Path


class Owner(Protocol):
    """What a pool asks and tells."""

    def is_done(self, work: Work) -> bool:
        """Whether work is done; asked when it could start."""

    def should_stop(self) -> bool:
        """Whether the processes should save and stop, and no further ones start."""

    def on_start(self, work: Work) -> None:
        """A process is about to start."""

    def on_wait(self, work: Work) -> None:
        """A process of an earlier start still does this work; it is waited for."""

    def on_end(self, work: Work, code: int) -> None:
        """A process has ended with an exit code."""


class Pool:
    """Runs processes, `at_once` at a time.  environment: further variables for them."""

    def __init__(self, at_once: int, environment: dict[str, str], owner: Owner) -> None:
        self._at_once, self._environment = at_once, {**os.environ, **environment}
        self._owner = owner
        self._active: dict[Work, subprocess.Popen[bytes]] = {}
        self._held: dict[Work, float] = {}  # by others: when to look again

    def run(self, works: Iterable[Work]) -> None:
        """Do all work.  However this ends, none of its processes is left."""
        waiting, told = deque(works), False
        try:
            while waiting or self._active or self._held:
                if self._owner.should_stop():
                    waiting.clear()
                    self._held.clear()
                    if not told:
                        self._signal(signal.SIGINT)
                    told = True
                self._start(waiting)
                self._look()
                time.sleep(_POLL)
        finally:
            self._end_all()

    def _start(self, waiting: deque[Work]) -> None:
        now = time.monotonic()
        for work, moment in list(self._held.items()):
            if now >= moment:
                self._try(work)
        while waiting and len(self._active) + len(self._held) < self._at_once:
            self._try(waiting.popleft())

    def _try(self, work: Work) -> None:
        """Start work, unless it is done, or another process does it."""
        if self._owner.is_done(work):
            self._held.pop(work, None)
            return
        log = _locked(work.log)
        if log is None:
            if work not in self._held:
                self._owner.on_wait(work)
            self._held[work] = time.monotonic() + _POLL_LOCK
            return
        with log:
            self._held.pop(work, None)
            if not self._owner.is_done(work):  # which it became before the lock was free
                self._owner.on_start(work)
                self._active[work] = self._process(work, log)

    def _process(self, work: Work, log: BinaryIO) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "convnet", *work.words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=self._environment,
            process_group=0,  # so that Ctrl-C reaches it once, from here
        )

    def _look(self) -> None:
        for work, process in list(self._active.items()):
            code = process.poll()
            if code is not None:
                del self._active[work]
                self._owner.on_end(work, code)

    def _signal(self, number: int) -> None:
        for process in self._active.values():
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def _end_all(self) -> None:
        """End what is left after an error, or a second signal."""
        self._signal(signal.SIGINT)
        limit = time.monotonic() + _GRACE
        for process in self._active.values():
            try:
                process.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._active.clear()


def _locked(path: Path) -> BinaryIO | None:
    """The log, to append to; None if another process holds it.  DataError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({reason(error)})") from None
    return file
