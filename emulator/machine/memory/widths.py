"""How wide a kernel's accesses are: the unit in which races are looked for."""

from emulator.ptx import SIZES, Instruction, Kernel

SPACES = ("global", "shared", "local", "param", "const")
_WIDEST = 16


def unit_shifts(kernel: Kernel) -> dict[str, int]:
    """Return, for global and shared memory, log2 of the narrowest access's bytes."""
    narrowest = {"global": _WIDEST, "shared": _WIDEST}
    for block in kernel.blocks:
        for instruction in block.body:
            for space, width in _accesses(instruction):
                narrowest[space] = min(narrowest[space], width)
    return {space: width.bit_length() - 1 for space, width in narrowest.items()}


def _accesses(instruction: Instruction) -> list[tuple[str, int]]:
    """Return the spaces that an instruction may touch, and the bytes of a thread."""
    parts = instruction.parts
    if instruction.op.startswith("cp.async.c") and instruction.operands[2:]:
        if not instruction.operands[2].isdecimal():
            return []
        width = int(instruction.operands[2])
        return [("global", width), ("shared", width)]
    if parts[0] == "ldmatrix":
        return [("shared", 16)]
    if parts[0] not in ("ld", "st", "ldu", "atom", "red"):
        return []
    count = 4 if "v4" in parts else 2 if "v2" in parts else 1
    width = SIZES.get(parts[-1], 1) * count
    named = [part.split("::")[0] for part in parts if part.split("::")[0] in SPACES]
    spaces = {"global": ["global"], "const": ["global"], "shared": ["shared"]}
    found = spaces.get(named[0], []) if named else ["global", "shared"]
    return [(space, width) for space in found]
