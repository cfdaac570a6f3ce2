"""Generic addresses: windows for shared and local memory, everything else is global memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emulator.machine.memory.spaces import Space
from emulator.machine.types import Array, Int64s, Integers, Mask

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

    def load(self, address: Int64s, size: int, count: int, m: Mask, text: str) -> list[Array]:
        """Return what `Space.load` does."""
        parts = self._parts(address, m)
        if len(parts) == 1:
            space, start, _ = parts[0]
            return space.load(address - start, size, count, m, text)
        chosen = self.shared.watch.mask(m)
        found = [np.empty(len(chosen), f"u{size}") for _ in range(count)]
        for space, start, mask in parts:
            for whole, values in zip(
                found, space.load(address - start, size, count, mask, text), strict=True
            ):
                whole[mask] = values
        return [whole[chosen] for whole in found]

    def store(
        self, address: Int64s, values: Sequence[Integers], size: int, m: Mask, text: str
    ) -> None:
        """Do what `Space.store` does."""
        for space, start, mask in self._parts(address, m):
            space.store(address - start, values, size, mask, text)

    def _parts(self, address: Int64s, m: Mask) -> list[tuple[Space, int, Mask]]:
        """Return the memories that active threads mean, their windows' starts, and the threads."""
        active = self.shared.watch.mask(m)
        shared = active & (address >= SHARED_WINDOW) & (address < SHARED_WINDOW + WINDOW)
        local = active & (address >= LOCAL_WINDOW) & (address < LOCAL_WINDOW + WINDOW)
        if not shared.any() and not local.any():
            return [(self.everything, 0, m)]
        rest = active & ~shared & ~local
        parts = [
            (self.everything, 0, rest),
            (self.shared, SHARED_WINDOW, shared),
            (self.local, LOCAL_WINDOW, local),
        ]
        return [part for part in parts if part[2].any()]
