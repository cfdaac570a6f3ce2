"""Work and when it is done: at once, or as late as it may, what is ready taking turns by seed."""

import gc
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from emulator.driver.status import Refused, Status

ONLY_NEEDED = 0.7  # how often a late run does only what the host waits for


@dataclass(frozen=True)
class Operation:
    """What a GPU does: kind ("kernel", "copy", "fill", "empty"), a function, the memory it touches.

    touches: (address, bytes) of device memory.  device: whose work it is.  check: raises Refused
    if the operation may no longer run.
    """

    kind: str
    device: int
    run: Callable[[], None]
    touches: tuple[tuple[int, int], ...] = ()
    check: Callable[[], None] = lambda: None


@dataclass(eq=False)
class Work:
    """An operation that runs once other work is done."""

    operation: Operation
    followers: list["Work"] = field(default_factory=list)
    needs: list["Work"] = field(default_factory=list)
    missing: int = 0
    done: bool = False


class Scheduler:
    """All work of all GPUs.  seed None: what is ready runs in the order in which it was enqueued.

    late: work waits until the host waits for it.  Which of the ready work then runs, and whether
    only work that the host needs does, is drawn by the seed.
    """

    def __init__(self, seed: int | None, late: bool) -> None:
        self.reorder(seed, late)
        self._ready: list[Work] = []
        self.pending: dict[int, Work] = {}

    def reorder(self, seed: int | None, late: bool) -> None:
        """Change the order of what is enqueued from now on."""
        self.late, self.random = late, random.Random(seed)
        self._drawn = seed is not None

    def add(self, operation: Operation, after: Iterable[Work] = ()) -> Work:
        """Enqueue an operation behind other work; unless late, do all that is ready."""
        work = self.hold(operation, after)
        self.settle()
        return work

    def hold(self, operation: Operation, after: Iterable[Work] = ()) -> Work:
        """Enqueue an operation, and do nothing yet."""
        work = Work(operation)
        for before in after:
            if not before.done:
                before.followers.append(work)
                work.needs.append(before)
        work.missing = len(work.needs)
        self.pending[id(work)] = work
        if not work.missing:
            self._ready.append(work)
        return work

    def settle(self) -> None:
        """Unless late, do everything that can be done."""
        while not self.late and self._ready:
            self._do(self._ready)

    def wait(self, works: Iterable[Work]) -> None:
        """Do work until that is done which the host waits for."""
        for work in self._shuffled(works):
            needed = _needed(work) if self.random.random() < ONLY_NEEDED else None
            while not work.done:
                ready = [w for w in self._ready if needed is None or id(w) in needed]
                if not ready:
                    raise Refused(Status.LAUNCH_FAILED, "the host waits for what never happens")
                self._do(ready)

    def _shuffled(self, works: Iterable[Work]) -> list[Work]:
        found = list(works)
        if self._drawn:
            self.random.shuffle(found)
        return found

    def nudge(self) -> None:
        """Do some of the work: time passes while the host asks whether something is done."""
        if self._ready:
            self._do(self._ready)

    def _do(self, ready: list[Work]) -> None:
        work = self.random.choice(ready) if self._drawn else ready[0]
        self._ready.remove(work)
        try:
            with _no_collection():
                work.operation.check()
                work.operation.run()
        finally:
            self._finish(work)

    def _finish(self, work: Work) -> None:
        work.done = True
        del self.pending[id(work)]
        for follower in work.followers:
            follower.missing -= 1
            if not follower.missing:
                self._ready.append(follower)
        work.followers, work.needs = [], []  # so that finished work can be forgotten


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without Python's collector, whose finalizers would free memory: the host, in mid-work."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _needed(work: Work) -> set[int]:
    """The work that must be done first, and itself."""
    found, left = set(), [work]
    while left:
        one = left.pop()
        if id(one) not in found and not one.done:
            found.add(id(one))
            left += one.needs
    return found
