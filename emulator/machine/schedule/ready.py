"""Which threads are ready to run which block of code, and which wait for others of their warp."""

import numpy as np

from emulator.machine.schedule.order import Order
from emulator.machine.types import Bools, Mask
from emulator.machine.warps.together import WARP, Warps


class Ready:
    """The threads of a run by the block of code that they run next.

    together: the blocks of code with instructions that a warp executes together.  There, threads
    wait for those of their warp, whatever order the others come in.
    """

    def __init__(self, order: Order, warps: Warps, together: frozenset[int]) -> None:
        self.order, self.warps, self.together = order, warps, together
        self._ready: dict[int, Mask] = {}
        self._partial: dict[int, Bools] = {}
        self._later: list[tuple[int, Bools]] = []

    def go(self, number: int, m: Mask) -> None:
        """Threads run block `number` next."""
        partial = self._partial.pop(number, None)
        if partial is not None:
            m = _union(m, partial)
        other = self._ready.get(number)
        self._ready[number] = m if other is None else _union(m, other)

    def go_apart(self, number: int, m: Mask) -> None:
        """Threads that begin, or leave a barrier, run block `number` next: some warps perhaps once
        all others have come to their next barrier."""
        parts = self.order.parts(len(self.warps.ended))
        chosen = [part & m for part in parts] if parts else [m]
        chosen = [part for part in chosen if part is True or np.count_nonzero(part)]
        if chosen:
            self.go(number, chosen[0])
            self._later += [(number, part) for part in chosen[1:] if part is not True]

    def next(self) -> tuple[int, Mask] | None:
        """Return a block of code and the threads that run it, or None if none is ready."""
        while True:
            if not self._ready:
                if not self._resume():
                    return None
            number = self.order.pick(self._ready)
            m = self._ready.pop(number)
            if number in self.together and m is not True:
                m = self._whole_warps(number, m)
                if not np.count_nonzero(m):
                    continue
            return number, m

    def next_partial(self) -> tuple[int, Mask] | None:
        """Return a block of code with threads whose warps are not whole and will not be."""
        if not self._partial:
            return None
        number = min(self._partial)
        return number, self._partial.pop(number)

    def _resume(self) -> bool:
        later, self._later = self._later, []
        if later:
            self.go(*later[0])
            self._later = later[1:]
        return bool(later)

    def _whole_warps(self, number: int, m: Bools) -> Bools:
        """Return the threads whose whole warps are there; the others wait."""
        by_warp = m.reshape(-1, WARP)
        whole = np.logical_and.reduce(by_warp | self.warps.ended.reshape(-1, WARP), 1)
        rest = by_warp & ~whole[:, None]
        if not np.count_nonzero(rest):
            return m
        self._partial[number] = rest.reshape(-1)
        return np.asarray(by_warp & whole[:, None]).reshape(-1)


def _union(one: Mask, other: Mask) -> Mask:
    if one is True or other is True:
        return True
    both = one | other
    return True if np.count_nonzero(both) == len(both) else np.asarray(both)
