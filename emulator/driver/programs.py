"""Programs of modules: a module's text is parsed and translated once in a process."""

from functools import cache

from emulator.machine import Program
from emulator.ptx import parse


@cache
def programs_of(text: str) -> dict[str, Program]:
    """Return the programs of a module's kernels by name; PtxError for what is not supported."""
    return {name: Program(kernel) for name, kernel in parse(text).items()}
