"""Runs a few translated instructions on arrays of values, with a stand-in for the machine."""

from typing import Any

import numpy as np

from emulator.arithmetic import functions
from emulator.ptx import SIZES, parse
from emulator.translate import DTYPES, Translation

HEADER = ".version 9.0\n.target sm_90\n.address_size 64\n"
_BYTES = {0: np.bool_, 1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def register_type(kind: str) -> str:
    """Return the type of a register that holds a value: there are none of 8 bits."""
    return "pred" if kind == "pred" else f"b{max(8 * SIZES[kind], 16)}"


def kernel(lines: str, registers: dict[str, str], outside: str = "", parameters: str = "") -> Any:
    declared = "\n".join(f".reg .{kind} {name};" for name, kind in registers.items())
    text = (
        f"{HEADER}{outside}\n.visible .entry k({parameters})\n{{\n{declared}\n{lines}\nret;\n}}\n"
    )
    return parse(text)["k"]


class Frame:
    """Registers of some threads, and the functions that a translated kernel calls."""

    def __init__(self, given: Any, count: int, seed: int | None = None, **machine: Any) -> None:
        self.translation, self.kernel = Translation(given), given
        self.memory = {
            name: np.full(count, 0xA5 if SIZES[kind] else False, _BYTES[SIZES[kind]])
            for name, kind in given.registers.items()
        }
        self.names: dict[str, Any] = functions(seed) | {"everywhere": lambda v: np.full(count, v)}
        for known, (name, kind) in self.translation.registers.items():
            self.names[known] = self.memory[name].view(DTYPES[kind])
        self.names |= self.translation.constants | machine
        exec(compile(self.translation.source, "<ptx>", "exec"), self.names)  # noqa: S102

    def set(self, name: str, values: Any, kind: str) -> None:
        """Put values into a register; those of narrow types with noise in the upper bits."""
        whole, values = self.memory[name], np.asarray(values, DTYPES[kind])
        bits = values if kind == "pred" else values.view(_BYTES[values.itemsize])
        noise = 0x5A00 if whole.itemsize > bits.itemsize else 0
        whole[:] = bits if not noise else bits | whole.dtype.type(noise)

    def get(self, name: str, kind: str) -> Any:
        whole = self.memory[name]
        if SIZES[kind] in (0, whole.itemsize):
            return whole.view(DTYPES[kind]).copy()
        return whole.astype(_BYTES[SIZES[kind]]).view(DTYPES[kind])

    def run(self, m: Any = True, block: int = 0) -> None:
        with np.errstate(all="ignore"):
            self.names[f"b{block}"](m)
