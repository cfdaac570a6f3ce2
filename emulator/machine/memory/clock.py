"""What is ordered before what: the clock, and when warps have left barriers (module `records`)."""

from collections.abc import Iterable

import numpy as np

from emulator.machine.memory.records import CLOCK, HEADER, LAUNCH, RUN, WARP
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
        blocks = np.arange(warps) // (threads // WARP)
        each = np.stack([np.full(warps, time), np.full(warps, time), blocks], axis=1)
        parts = [np.zeros(HEADER, np.int64), each.reshape(-1)]
        place = HEADER + 3 * warps
        for rows in extents:
            places.append(place)
            parts += [np.array([len(rows)]), rows.reshape(-1)]
            place += 1 + 2 * len(rows)
        self.state, self._warps = np.concatenate(parts), warps
        self.state[[CLOCK, LAUNCH, RUN]] = time, self._launch, time
        return places

    def block_barrier(self) -> None:
        """All blocks pass a barrier."""
        self._since()[:, :2] = self._tick()

    def warp_barrier(self, warps: Bools) -> None:
        """Some warps each pass a barrier of the warp."""
        self._since()[warps, 1] = self._tick()

    def _since(self) -> Int64s:
        """Return a view of `state`: for each warp, both times and the block."""
        return self.state[HEADER : HEADER + 3 * self._warps].reshape(-1, 3)

    def _tick(self) -> int:
        self._time = max(self._time, int(self.state[CLOCK])) + 1
        self.state[CLOCK] = self._time
        return self._time
