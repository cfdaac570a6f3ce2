"""A translated kernel, and what a run of it needs to know beforehand."""

from types import CodeType

from emulator.machine.memory.widths import unit_shifts
from emulator.ptx import Kernel
from emulator.translate import Translation

_TOGETHER = ("mma", "ldmatrix", "stmatrix", "shfl", "vote", "match", "redux", "wmma")


class Program:
    """A kernel to launch.  launches, instructions: how often, and of all threads, it has run."""

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
        self.constants: dict[str, int] = {}  # addresses, once they are in memory
        self.launches = 0
        self.instructions = 0
