"""What is ordered before what: a clock that advances at barriers, and who has passed them when."""

import numpy as np

from emulator.machine.memory.loops import CLOCK, LAUNCH, RUN, THREADS


class Clock:
    """The clock of a machine; it only ever advances, so that records of old launches need no erasing."""

    def __init__(self) -> None:
        self.now = np.zeros(4, np.int64)
        self.now[CLOCK] = 1
        self.since = np.zeros((1, 2), np.int64)

    @property
    def time(self) -> int:
        return int(self.now[CLOCK])

    def tick(self) -> int:
        """Advance, and return the new time."""
        self.now[CLOCK] += 1
        return int(self.now[CLOCK])

    def begin_launch(self) -> None:
        """Everything before is ordered before everything that follows."""
        self.now[LAUNCH] = self.tick()

    def begin_run(self, warps: int, threads: int) -> None:
        """Begin with other blocks of the launch, of so many threads each (padded to whole warps)."""
        self.now[RUN] = self.tick()
        self.now[THREADS] = threads
        self.since = np.full((warps, 2), self.time, np.int64)

    def block_barrier(self) -> None:
        """All blocks have passed a barrier."""
        self.since[:] = self.tick()

    def warp_barrier(self, warps: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Some warps have each passed a barrier of the warp."""
        self.since[warps, 1] = self.tick()
