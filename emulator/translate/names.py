"""What PTX calls things and what the translated code calls them.

No text of the PTX gets into the code but through here: a name is a letter, a number or a name with
all but letters, digits and underscores replaced, and the type.
"""

import re

import numpy as np

from emulator.ptx import SIZES, Instruction, Kernel, PtxError

# The NumPy type in which values of each type are held.
DTYPES = {
    "pred": "bool",
    **dict.fromkeys(("u8", "b8"), "uint8"),
    **dict.fromkeys(("u16", "b16", "bf16"), "uint16"),
    **dict.fromkeys(("u32", "b32", "tf32", "f16x2", "bf16x2"), "uint32"),
    **dict.fromkeys(("u64", "b64"), "uint64"),
    **{"s8": "int8", "s16": "int16", "s32": "int32", "s64": "int64"},
    **{"f16": "float16", "f32": "float32", "f64": "float64"},
}
_SHORT = {"bool": "pred", "float16": "f16", "float32": "f32", "float64": "f64"} | {
    f"{kind}int{bits}": f"{kind or 's'}{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)
}
UNSIGNED = {1: "u8", 2: "u16", 4: "u32", 8: "u64"}
_SPECIAL = re.compile(r"%(tid|ntid|ctaid|nctaid)\.([xyz])$|%(laneid|warpid)$")


def plain(kind: str) -> str:
    """Return the type, of those with an own NumPy type, that holds values of a type."""
    return _SHORT[DTYPES[kind]]


def identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


class Names:
    """registers: name in the code -> register, type; one piece of memory is seen as all types.
    params: name in the code -> offset, type.  constants: name in the code -> NumPy scalar."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.registers: dict[str, tuple[str, str]] = {}
        self.params: dict[str, tuple[int, str]] = {}
        self.constants: dict[str, np.generic] = {}
        self._known: dict[tuple[bytes, str], str] = {}
        for names in (kernel.registers, kernel.constants):
            if len({identifier(name) for name in names}) < len(names):
                raise PtxError(0, f"names of {kernel.name} differ only in $ and %")

    def register(self, name: str, kind: str, item: Instruction) -> str:
        """Return the array of a register, seen as a type of its size."""
        own = self.kernel.registers.get(name)
        if own is None:
            raise PtxError(item.line, f"register {name} is not declared", item.text)
        if SIZES[own] != SIZES[kind]:
            raise PtxError(item.line, f"{name} is .{own}, not .{kind}", item.text)
        known = f"r{identifier(name)}__{plain(kind)}"
        self.registers[known] = name, plain(kind)
        return known

    def constant(self, value: np.generic, kind: str) -> str:
        known = self._known.setdefault((value.tobytes(), plain(kind)), f"k{len(self._known)}")
        self.constants[known] = value
        return known

    def param(self, offset: int, kind: str) -> str:
        known = f"p{offset}_{plain(kind)}"
        self.params[known] = offset, plain(kind)
        return known

    def special(self, name: str) -> str:
        """Return the array of a special register, of type u32, or ""."""
        match = _SPECIAL.match(name)
        return (match[3] or f"{match[1]}_{match[2]}") if match else ""
