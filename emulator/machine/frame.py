"""Registers of a kernel's threads, and the functions that run its blocks of code on them."""

from collections.abc import Callable
from typing import Any

from emulator.arithmetic import functions
from emulator.machine.program import Program
from emulator.machine.types import Array, Bytes, Mask
from emulator.ptx import SIZES
from emulator.translate import DTYPES

_LINE = 64  # bytes: registers begin at cache lines
_UNTOUCHED = 0xCB  # what registers hold at first: neither NaN nor a small integer


class Frame:
    """A kernel's registers for some threads, in `scratch`, which other frames use in turn.

    registers: their bytes.  names: the globals of the translated functions; blocks: these.
    seed: of the errors of approximate instructions.
    """

    def __init__(self, program: Program, count: int, scratch: Bytes, seed: int | None) -> None:
        translation = program.translation
        self.registers = registers = dict[str, Array]()
        place = 0
        for name, kind in program.kernel.registers.items():
            size = max(SIZES[kind], 1)
            registers[name] = scratch[place : place + count * size]
            place += _lines(count * size)
        self._bytes = scratch[:place]
        self.names: dict[str, Any] = dict(functions(seed))
        for known, (name, kind) in translation.registers.items():
            self.names[known] = registers[name].view(DTYPES[kind])
        self.names |= translation.constants
        exec(program.code, self.names)  # noqa: S102  our own translation
        self.blocks: list[Callable[[Mask], None]] = [
            self.names[f"b{block.number}"] for block in program.kernel.blocks
        ]

    def clear(self) -> None:
        """Forget what the registers held."""
        self._bytes[:] = _UNTOUCHED


def frame_bytes(program: Program, count: int) -> int:
    """Return the bytes that the registers of `count` threads need at most."""
    return count * program.register_bytes + _LINE * len(program.kernel.registers)


def _lines(size: int) -> int:
    return -(-size // _LINE) * _LINE
