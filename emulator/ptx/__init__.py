"""PTX text, as NVVM and nvJitLink print it, parsed into records of kernels."""

from emulator.ptx.errors import PtxError
from emulator.ptx.module import parse, parse_module
from emulator.ptx.records import (
    SIZES,
    Barrier,
    Block,
    Branch,
    End,
    Exit,
    Goto,
    Guard,
    Instruction,
    Kernel,
    Module,
    Place,
)

__all__ = [
    "SIZES",
    "Barrier",
    "Block",
    "Branch",
    "End",
    "Exit",
    "Goto",
    "Guard",
    "Instruction",
    "Kernel",
    "Module",
    "Place",
    "PtxError",
    "parse",
    "parse_module",
]
