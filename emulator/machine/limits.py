"""What a launch may ask for (CUDA C++ programming guide, "Compute capabilities")."""

from dataclasses import dataclass

from emulator.machine.types import Sides
from emulator.ptx import Kernel

GRID: Sides = (2**31 - 1, 65535, 65535)
BLOCK: Sides = (1024, 1024, 64)
THREADS = 1024
SHARED = 48 * 1024  # bytes of a block, unless the kernel has been allowed more
REGISTERS = 64 * 1024  # of a block
_REGISTER_UNIT = 256  # a warp's registers are allocated in multiples of these


@dataclass(frozen=True)
class Launch:
    """grid, block: sides.  shared: dynamic bytes.  shared_limit: bytes, static ones included, that
    the kernel is allowed.  registers: of a thread, where known."""

    grid: Sides
    block: Sides
    shared: int = 0
    shared_limit: int = SHARED
    registers: int | None = None

    @property
    def threads(self) -> int:
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def blocks(self) -> int:
        return self.grid[0] * self.grid[1] * self.grid[2]


def broken_limit(kernel: Kernel, launch: Launch) -> str | None:
    """Return what is wrong with a launch, or None."""
    for name, sides, most in (("grid", launch.grid, GRID), ("block", launch.block, BLOCK)):
        for axis, side, limit in zip("xyz", sides, most, strict=True):
            if not 1 <= side <= limit:
                return f"{name} {sides}: {axis} must be 1 to {limit}"
    most_threads = min(THREADS, kernel.most_threads)
    if launch.threads > most_threads:
        return f"block {launch.block} of {launch.threads} threads, at most {most_threads}"
    if kernel.block_shape not in (None, launch.block):
        return f"block {launch.block}, the kernel requires {kernel.block_shape}"
    if launch.shared < 0 or kernel.shared_bytes + launch.shared > launch.shared_limit:
        found = f"{kernel.shared_bytes} + {launch.shared}"
        return f"{found} bytes of shared memory, at most {launch.shared_limit}"
    if launch.registers is not None:
        a_warp = -(-launch.registers * 32 // _REGISTER_UNIT) * _REGISTER_UNIT
        needed = a_warp * -(-launch.threads // 32)
        if needed > REGISTERS:
            return (
                f"{needed} registers for a block of {launch.threads} threads, at most {REGISTERS}"
            )
    return None
