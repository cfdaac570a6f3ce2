"""Declarations: parameters, registers, and variables in shared, local, global, constant memory."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from emulator.ptx.records import SIZES, Place
from emulator.ptx.source import NAME, Source

_PARAMETER = re.compile(
    r"\.param\s+(?:\.align\s+(?P<align>\d+)\s+)?\.(?P<type>\w+)"
    r"(?:\s+\.ptr(?:\s+\.(?:global|shared|const|local))?(?:\s+\.align\s+\d+)?)?"
    rf"\s+(?P<name>{NAME})(?:\[(?P<count>\d+)\])?"
)
_VARIABLE = re.compile(
    r"(?P<linking>(?:\.(?:visible|extern|weak|common)\s+)*)\.(?P<space>shared|local|global|const)\s+"
    r"(?:\.attribute\([^)]*\)\s*)?(?:\.align\s+(?P<align>\d+)\s+)?\.(?P<type>\w+)"
    rf"\s+(?P<name>{NAME})(?P<array>\[(?P<count>\d*)\])?\s*(?:=\s*(?P<values>.*))?",
    re.S,
)
_REGISTERS = re.compile(rf"\.reg\s+\.(\w+)\s+({NAME}(?:<\d+>)?(?:\s*,\s*{NAME}(?:<\d+>)?)*)")
_NUMBERED = re.compile(rf"({NAME})<(\d+)>")
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Variable(NamedTuple):
    """A declared variable; data: its initial bytes, dynamic: its size is given at the launch."""

    name: str
    space: str
    size: int
    align: int
    data: bytes
    dynamic: bool


def parameters(source: Source, start: int, end: int) -> dict[str, Place]:
    """Return the places of the parameters between two places in the text, packed by alignment."""
    found: dict[str, Place] = {}
    offset = 0
    for match in re.finditer(r"[^,]*[^,\s][^,]*", source.text[start:end]):
        item = _PARAMETER.fullmatch(match[0].strip())
        if not item or item["type"] not in SIZES:
            raise source.error(start + match.start(), "not a parameter", match[0].strip())
        size = SIZES[item["type"]]
        offset = _aligned(offset, int(item["align"] or size))
        found[item["name"]] = Place(offset, size * int(item["count"] or 1))
        offset += found[item["name"]].size
    return found


def registers(source: Source, place: int, text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and type of each register that a `.reg` statement declares."""
    match = _REGISTERS.fullmatch(text)
    if not match or match[1] not in SIZES:
        raise source.error(place, "not a declaration of registers", text)
    for name in re.split(r"\s*,\s*", match[2]):
        numbered = _NUMBERED.fullmatch(name)
        names = [f"{numbered[1]}{i}" for i in range(int(numbered[2]))] if numbered else [name]
        yield from ((each, match[1]) for each in names)


def variable(source: Source, place: int, text: str) -> Variable:
    """Return the variable that a statement declares."""
    match = _VARIABLE.fullmatch(text)
    if not match or not SIZES.get(match["type"], 0):
        raise source.error(place, "not a declaration of a variable", text)
    size = SIZES[match["type"]]
    dynamic = bool(match["array"]) and not match["count"]
    count = 0 if dynamic else int(match["count"] or 1)
    data = b""
    if match["values"]:
        data = _initial(source, place, match["values"], size)
        dynamic, count = False, max(count, len(data) // size)
    return Variable(
        match["name"],
        match["space"],
        size * count,
        int(match["align"] or size),
        data.ljust(size * count, b"\0"),
        dynamic,
    )


def _initial(source: Source, place: int, values: str, size: int) -> bytes:
    numbers = []
    for value in re.findall(r"[^\s{},]+", values):
        bits = re.fullmatch(r"0[fFdD]([0-9a-fA-F]+)", value)
        if not bits and not re.fullmatch(r"-?(?:0[xX][0-9a-fA-F]+|\d+)U?", value):
            raise source.error(place, "an initial value that is not a number", value)
        numbers.append(int(bits[1], 16) if bits else int(value.rstrip("U"), 0))
    return b"".join(struct.pack("<" + _CODES[size], n & (1 << 8 * size) - 1) for n in numbers)


def placed(variables: list[Variable]) -> tuple[dict[str, Place], int]:
    """Return the place of each variable in its space, those of no size last, and the total size."""
    places, offset = {}, 0
    for item in sorted(variables, key=lambda item: item.dynamic):
        offset = _aligned(offset, item.align)
        places[item.name] = Place(offset, item.size)
        offset += item.size
    return places, offset


def _aligned(offset: int, align: int) -> int:
    return -(-offset // align) * align
