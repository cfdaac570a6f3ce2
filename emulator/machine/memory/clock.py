"""What is ordered before what: the clock, and when warps have left barriers (module `records`)."""

from collections.abc import Iterable

import numpy as np

from emulator.machine.memory.records import CLOCK, HEADER, LAUNCH, RUN, THREADS
from emulator.machine.types import Bools, Int64s


class Clock:
    """The clock of a machine, which never goes back; state: the run's (module `records`)."""

    def __init__(self) -> None:
        self._time = self._launch = 1
        self._warps = 0
        self.state = np.zeros(HEADER, np.int64)

    def begin_launch(self) -> None:
        """Order everything so far before everything that follows."""
        self._launch = self._tick()

    def begin_run(self, warps: int, threads: int, extents: Iterable[Int64s]) -> list[int]:
        """Begin with other blocks of the launch, of so many threads each (whole warps).

        extents: of each memory, rows of first address and end.  Returns where they are in `state`.
        """
        time, places = self._tick(), list[int]()
        parts = [np.zeros(HEADER, np.int64), np.full(2 * warps, time)]
        place = HEADER + 2 * warps
        for rows in extents:
            places.append(place)
            parts += [np.array([len(rows)]), rows.reshape(-1)]
            place += 1 + 2 * len(rows)
        self.state, self._warps = np.concatenate(parts), warps
        self.state[[CLOCK, LAUNCH, RUN, THREADS]] = time, self._launch, time, threads
        return places

    def block_barrier(self) -> None:
        """All blocks pass a barrier."""
        self.state[HEADER : HEADER + 2 * self._warps] = self._tick()

    def warp_barrier(self, warps: Bools) -> None:
        """Some warps each pass a barrier of the warp."""
        self.state[HEADER + 1 : HEADER + 2 * self._warps : 2][warps] = self._tick()

    def _tick(self) -> int:
        self._time = max(self._time, int(self.state[CLOCK])) + 1
        self.state[CLOCK] = self._time
        return self._time
