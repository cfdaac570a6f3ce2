"""The threads of the blocks that run together, and their special registers."""

from dataclasses import dataclass

import numpy as np

from emulator.machine.limits import Launch
from emulator.machine.types import Array, Bools, Int64s, Sides
from emulator.machine.warps.together import WARP


@dataclass(frozen=True)
class Threads:
    """Threads in the order block, warp, lane; a block's are padded to whole warps.

    blocks: the numbers of the thread blocks in the grid, x fastest.
    """

    launch: Launch
    blocks: Int64s

    @property
    def per_block(self) -> int:
        return -(-self.launch.threads // WARP) * WARP

    @property
    def count(self) -> int:
        return len(self.blocks) * self.per_block

    def missing(self) -> Bools:
        """Return which threads are only padding."""
        return np.arange(self.count) % self.per_block >= self.launch.threads

    def registers(self) -> dict[str, Array]:
        """Return the special registers, all uint32: tid_x, ..., laneid, warpid."""
        own = np.tile(np.arange(self.per_block), len(self.blocks))
        found: dict[str, Array] = {
            "laneid": (own % WARP).astype(np.uint32),
            "warpid": (own // WARP).astype(np.uint32),
        }
        block = np.repeat(self.blocks, self.per_block)
        for name, place, sides in (
            ("tid", own, self.launch.block),
            ("ctaid", block, self.launch.grid),
        ):
            for axis, side, number in zip("xyz", sides, _axes(place, sides), strict=True):
                found[f"{name}_{axis}"] = number.astype(np.uint32)
                found[f"n{name}_{axis}"] = np.full(self.count, side, np.uint32)
        return found

    def block_of(self, who: int) -> Sides:
        """Return a thread's block."""
        return _sides(int(self.blocks[who // self.per_block]), self.launch.grid)

    def thread_of(self, who: int) -> Sides:
        """Return a thread within its block."""
        return _sides(who % self.per_block, self.launch.block)


def _axes(place: Int64s, sides: Sides) -> tuple[Int64s, Int64s, Int64s]:
    return place % sides[0], place // sides[0] % sides[1], place // (sides[0] * sides[1])


def _sides(place: int, sides: Sides) -> Sides:
    x, y, z = _axes(np.array([place]), sides)
    return int(x[0]), int(y[0]), int(z[0])
