"""An observer of the machine that counts what warps ask for."""

import re
from collections import Counter

import numpy as np

from emulator.counters.counts import Array, Counts, sector_bytes
from emulator.counters.warps import WARP, sectors, wavefronts
from emulator.machine.types import Bools, Int64s, Mask
from emulator.translate import Translation

_MMA = re.compile(r"m(\d+)n(\d+)k(\d+)")
_BLOCK_SHIFT = 48  # a sector's number is below: addresses have 48 bits
_READS = "load", "copy"


class Watcher:
    """Counts one launch at a time: `begin`, the launch, `end`.

    It is the machine's observer (`emulator.machine.observer`).
    """

    def __init__(self) -> None:
        self.counts = Counts("", 1, 1)
        self._active, self._starts = 0, np.zeros(0, np.int64)
        self._ends, self._order = self._starts, self._starts
        self._per_block = WARP
        self._seen: tuple[list[Int64s], list[Int64s]] = [], []
        self._kinds: list[Counter[str]] = []
        self._multiply_adds: list[int] = []

    def begin(
        self,
        translation: Translation,
        blocks: int,
        sampled: int,
        threads: int,
        arrays: list[tuple[int, int]],
    ) -> None:
        """Count the next launch: `sampled` of its `blocks`, each of `threads`.

        arrays: the address and the size of each.
        """
        found = [Array(size) for _, size in arrays]
        self.counts = Counts(translation.kernel.name, blocks, sampled, found)
        self._order = np.argsort([start for start, _ in arrays], kind="stable")
        self._starts = np.array([arrays[i][0] for i in self._order], np.int64)
        self._per_block = -(-threads // WARP) * WARP
        self._seen = [], []
        self._kinds = translation.kinds
        self._multiply_adds = [
            sum(_multiply_adds(item.op) for item in block.body)
            for block in translation.kernel.blocks
        ]

    def end(self) -> Counts:
        """Return the counts of the launch."""
        for seen, name in zip(self._seen, ("own_read", "own_written"), strict=True):
            keys = np.unique(np.concatenate(seen)) if seen else np.zeros(0, np.int64)
            addresses = (keys & (1 << _BLOCK_SHIFT) - 1) * 32 + 31
            for place, count in zip(*self._by_array(addresses), strict=True):
                setattr(self.counts.arrays[place], name, sector_bytes(int(count)))
        self._seen = [], []
        return self.counts

    def block(self, kernel: str, number: int, active: int) -> None:
        """Count a basic block's instructions."""
        self._active = active
        warps = active / WARP
        for kind, count in self._kinds[number].items():
            self.counts.instructions[kind] += round(count * warps)
        self.counts.multiply_adds += round(self._multiply_adds[number] * warps)

    def access(
        self, kernel: str, space: str, kind: str, addresses: Int64s, size: int, active: Mask
    ) -> None:
        """Count an access of global or shared memory."""
        mask: Bools = np.ones(len(addresses), bool) if active is True else active
        address = np.asarray(addresses, np.int64)
        counts, given = self.counts, int(np.count_nonzero(mask))
        if space == "global":
            counts.lanes += self._active
            counts.lanes_off += self._active - given
        if given and space == "shared":
            most, least = wavefronts(address, size, mask)
            counts.wavefronts += most
            counts.least_wavefronts += least
        elif given and space == "global":
            self._count_sectors(kind, address, size, mask)

    def _count_sectors(self, kind: str, address: Int64s, size: int, mask: Bools) -> None:
        asked, needed = sectors(address, size, mask)
        places, counted = self._by_array(asked * 32 + 31)
        reads = kind in _READS
        for place, count in zip(places, counted, strict=True):
            array = self.counts.arrays[place]
            array.needed += needed if len(places) == 1 else needed * int(count) // len(asked)
            if reads:
                array.read += sector_bytes(int(count))
            else:
                array.written += sector_bytes(int(count))
        block = np.arange(len(address)) // self._per_block
        keys = (block << _BLOCK_SHIFT) | (address // 32)
        self._seen[0 if reads else 1].append(np.unique(keys[mask]))

    def _by_array(self, addresses: Int64s) -> tuple[list[int], Int64s]:
        """Return the arrays that addresses lie in, and how many lie in each."""
        place = np.searchsorted(self._starts, addresses, "right") - 1
        counts = np.bincount(place, minlength=len(self._starts))
        found = np.flatnonzero(counts)
        return [int(self._order[i]) for i in found], counts[found]


def _multiply_adds(op: str) -> int:
    """Return the multiply-adds of an instruction of a warp: 0 but for matrix products."""
    shape = _MMA.search(op) if op.startswith("mma.") else None
    return int(shape[1]) * int(shape[2]) * int(shape[3]) if shape else 0
