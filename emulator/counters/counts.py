"""Counts of the blocks of a launch that were run, and what they say of all of its blocks."""

from collections import Counter
from dataclasses import dataclass, field

from emulator.counters.warps import SECTOR


@dataclass
class Array:
    """What a launch does to one array, in bytes.

    read, written: of sectors that warps ask for.  needed: of those, what threads use.  own: of the
    sectors that each block asks for, once; what is asked again within a block may come from the L1
    cache.
    """

    size: int
    read: int = 0
    written: int = 0
    needed: int = 0
    own_read: int = 0
    own_written: int = 0


@dataclass
class Counts:
    """Counts of `sampled` of a launch's `blocks`.

    instructions: of whole warps, by kind.  multiply_adds: of matrix products.  wavefronts,
    least_wavefronts: of shared memory.  lanes, lanes_off: threads of the warps that access memory,
    and those of them whose predicate is false.
    """

    kernel: str
    blocks: int
    sampled: int
    arrays: list[Array] = field(default_factory=list)
    instructions: Counter[str] = field(default_factory=Counter)
    multiply_adds: int = 0
    wavefronts: int = 0
    least_wavefronts: int = 0
    lanes: int = 0
    lanes_off: int = 0

    @property
    def scale(self) -> float:
        """All blocks over those that were run."""
        return self.blocks / self.sampled

    @property
    def asked(self) -> float:
        """Bytes of sectors that all blocks ask for."""
        return self.scale * sum(array.read + array.written for array in self.arrays)

    @property
    def own(self) -> float:
        """Bytes of sectors that all blocks ask for, each counted once a block."""
        return self.scale * sum(array.own_read + array.own_written for array in self.arrays)

    @property
    def touched(self) -> float:
        """Bytes of all arrays that are read, and of those that are written.

        An array is counted whole, or as much as all blocks ask for if that is less.
        """
        return sum(
            min(array.size, self.scale * own)
            for array in self.arrays
            for own in (array.own_read, array.own_written)
        )

    @property
    def used(self) -> float:
        """The share of the sectors' bytes that threads use, from 0 to 1; 1 without any."""
        asked = sum(array.read + array.written for array in self.arrays)
        return sum(array.needed for array in self.arrays) / asked if asked else 1.0

    @property
    def conflicts(self) -> float:
        """The share of shared memory's wavefronts that bank conflicts cause."""
        extra = self.wavefronts - self.least_wavefronts
        return extra / self.wavefronts if self.wavefronts else 0.0

    @property
    def executed(self) -> int:
        """Instructions of warps, of all kinds."""
        return sum(n for kind, n in self.instructions.items() if kind != "predicated")

    @property
    def predicated_off(self) -> float:
        """The share of threads in memory accesses whose predicate is false."""
        return self.lanes_off / self.lanes if self.lanes else 0.0


def sector_bytes(count: int) -> int:
    """Return the bytes of `count` sectors."""
    return count * SECTOR
