"""Everything that a GPU may do in one order or another, as a seed decides."""

from collections.abc import Collection, Iterator

import numpy as np

from emulator.machine.types import Bools, Int64s
from emulator.machine.warps.mma import Sums
from emulator.machine.warps.together import WARP

_RUN_APART = 0.4  # how often the warps of a run are taken apart


class Order:
    """The order of one launch.  seed None: everything in its plain order, all threads together."""

    def __init__(self, seed: int | None, launch: int) -> None:
        self.random = None if seed is None else np.random.default_rng((seed, launch))
        self.backward = False
        self.sums = Sums()
        self._pick, self._apart = "lowest", False
        if self.random is not None:
            self.backward = bool(self.random.integers(2))
            keys = tuple(float(key) for key in self.random.random(17))
            self.sums = Sums(keys, bool(self.random.integers(2)))

    def blocks(self, count: int, at_once: int) -> Iterator[Int64s]:
        """Yield the numbers of the thread blocks that run together."""
        numbers = np.arange(count)
        if self.random is not None:
            numbers = self.random.permutation(count)
            at_once = max(1, int(at_once * self.random.choice([1.0, 1.0, 0.5])))
        for first in range(0, count, at_once):
            self._draw_run()
            yield numbers[first : first + at_once]

    def _draw_run(self) -> None:
        if self.random is not None:
            self._pick = str(self.random.choice(["lowest", "highest", "any"], p=[0.4, 0.3, 0.3]))
            self._apart = bool(self.random.random() < _RUN_APART)

    def pick(self, ready: Collection[int]) -> int:
        """Return which of the blocks of code that are ready runs next."""
        if self._pick == "lowest" or self.random is None:
            return min(ready)
        if self._pick == "highest":
            return max(ready)
        return int(self.random.choice(sorted(ready)))

    def parts(self, threads: int) -> list[Bools]:
        """Return the threads that run one after the other up to their next barrier: whole warps."""
        warps = threads // WARP
        if self.random is None or not self._apart or warps < 2:
            return []
        first = self.random.random(warps) < 0.5
        if first.all() or not first.any():
            return []
        return [np.repeat(first, WARP), np.repeat(~first, WARP)]
