"""A translated kernel, and what a run of it needs to know beforehand."""

from types import CodeType

from emulator.machine.memory.widths import unit_shifts
from emulator.ptx import SIZES, Kernel
from emulator.translate import Translation

_TOGETHER = ("mma", "ldmatrix", "stmatrix", "shfl", "vote", "match", "redux", "wmma")


class Program:
    """A kernel to launch.

    unit_shifts: of its accesses (`widths`).  together: blocks of code with instructions that a warp
    executes together.  register_bytes: of a thread.  constants: addresses, once they are in memory.
    launches, instructions: how often, and of all threads, it has run.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.translation = Translation(kernel)
        self.code: CodeType = compile(self.translation.source, f"<ptx {kernel.name}>", "exec")
        self.unit_shifts = unit_shifts(kernel)
        self.together = frozenset(
            block.number
            for block in kernel.blocks
            if any(instruction.parts[0] in _TOGETHER for instruction in block.body)
        )
        self.register_bytes = sum(max(SIZES[kind], 1) for kind in kernel.registers.values())
        self.constants: dict[str, int] = {}
        self.launches = 0
        self.instructions = 0
