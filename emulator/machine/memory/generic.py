"""Generic addresses: windows for shared and local memory, everything else is global memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emulator.machine.memory.arena import UNSIGNED
from emulator.machine.memory.spaces import Space
from emulator.machine.types import Array, Bools, Int64s, Integers, Mask

# `cvta` of shared and local addresses adds these; no allocation lies so low.
SHARED_WINDOW = 1 << 24
LOCAL_WINDOW = 1 << 25
WINDOW = 1 << 24  # bytes of each


@dataclass
class Generic:
    """Loads and stores whose memory is told by the address, which may differ between threads."""

    everything: Space
    shared: Space
    local: Space

    def load(self, address: Int64s, size: int, count: int, m: Mask, text: str) -> Array:
        """Return what `Space.load` does."""
        parts = self._parts(address, m)
        if len(parts) == 1:
            space, start, mask = parts[0]
            return space.load(address - start, size, count, mask, text)
        found = np.zeros((count, len(address)), UNSIGNED[size])
        for space, start, mask in parts:
            found[:, self._mask(mask)] = space.load(address - start, size, count, mask, text)
        return found[:, self._mask(m)]

    def store(
        self, address: Int64s, values: Sequence[Integers], size: int, m: Mask, text: str
    ) -> None:
        """Do what `Space.store` does."""
        for space, start, mask in self._parts(address, m):
            space.store(address - start, values, size, mask, text)

    def _mask(self, m: Mask) -> Bools:
        return self.everything.watch.mask(m)

    def _parts(self, address: Int64s, m: Mask) -> list[tuple[Space, int, Mask]]:
        """Return the memories that active threads mean, their windows' starts, and the threads."""
        active = self._mask(m)
        shared = active & (address >= SHARED_WINDOW) & (address < SHARED_WINDOW + WINDOW)
        local = active & (address >= LOCAL_WINDOW) & (address < LOCAL_WINDOW + WINDOW)
        if not shared.any() and not local.any():
            return [(self.everything, 0, m)]
        parts = [
            (self.everything, 0, active & ~shared & ~local),
            (self.shared, SHARED_WINDOW, shared),
            (self.local, LOCAL_WINDOW, local),
        ]
        return [part for part in parts if part[2].any()]
