"""A module: its directives, variables and kernels (PTX manual, chapters 4, 5 and 11)."""

import re

from emulator.ptx.blocks import blocks
from emulator.ptx.declarations import Variable, parameters, placed, registers, variable
from emulator.ptx.records import Instruction, Kernel, Module
from emulator.ptx.source import NAME, Source
from emulator.ptx.statements import instruction, renamed, statements

_SPACE = re.compile(r"\s*")
_HEADER = re.compile(r"\.(version|target|address_size|file)\s+([^\n]*)")
_ENTRY = re.compile(rf"(?:\.(?:visible|weak|extern)\s+)*\.entry\s+({NAME})\s*(?=[({{.])")
_FUNCTION = re.compile(r"(?:\.(?:visible|weak|extern)\s+)*\.func\b")
_SECTION = re.compile(r"\.section\s+[.\w]+\s*(?={)")
_PERFORMANCE = re.compile(
    r"\s*(?:\.(?P<shape>maxntid|reqntid)\s+(?P<x>\d+)(?:\s*,\s*(?P<y>\d+))?(?:\s*,\s*(?P<z>\d+))?"
    r"|\.(?:minnctapersm|maxnctapersm|maxnreg)\s+\d+|\.noreturn|\.pragma\s+\"[^\"]*\"\s*;)"
)


def parse(text: str) -> dict[str, Kernel]:
    """Return the kernels of a module by name; raise PtxError for what is not understood."""
    return parse_module(text).kernels


def parse_module(text: str) -> Module:
    """Return what a module contains; raise PtxError for what is not understood."""
    source = Source(text)
    headers: dict[str, str] = {}
    variables: list[Variable] = []
    kernels: dict[str, Kernel] = {}
    bodies: list[tuple[Kernel, int, int]] = []
    place, end = _after_space(source, 0), len(source.text)
    while place < end:
        if header := _HEADER.match(source.text, place):
            headers[header[1]] = header[2].strip()
            place = header.end()
        elif section := _SECTION.match(source.text, place):
            place = source.closing(section.end(), "{}") + 1
        elif entry := _ENTRY.match(source.text, place):
            kernel, start = _heading(source, entry)
            place = source.closing(start, "{}") + 1
            kernels[kernel.name] = kernel
            bodies.append((kernel, start + 1, place - 1))
        elif _FUNCTION.match(source.text, place):
            raise source.error(place, "functions (.func) are not supported: inline them")
        else:
            stop = source.semicolon(place, end)
            variables.append(variable(source, place, source.text[place:stop].strip()))
            place = stop + 1
        place = _after_space(source, place)
    for kernel, start, stop in bodies:
        _body(source, kernel, start, stop, variables)
    return Module(headers.get("version", ""), headers.get("target", ""), kernels)


def _after_space(source: Source, place: int) -> int:
    match = _SPACE.match(source.text, place)
    return match.end() if match else place


def _heading(source: Source, entry: re.Match[str]) -> tuple[Kernel, int]:
    """Return a kernel with its parameters and limits, and the place of its opening brace."""
    kernel, place = Kernel(entry[1]), entry.end()
    if source.text[place] == "(":
        close = source.closing(place, "()")
        kernel.params = parameters(source, place + 1, close)
        place = close + 1
    kernel.param_bytes = max((sum(item) for item in kernel.params.values()), default=0)
    while limit := _PERFORMANCE.match(source.text, place):
        if limit["shape"]:
            shape = int(limit["x"]), int(limit["y"] or 1), int(limit["z"] or 1)
            kernel.most_threads = shape[0] * shape[1] * shape[2]
            kernel.block_shape = shape if limit["shape"] == "reqntid" else None
        place = limit.end()
    place = _after_space(source, place)
    if source.text[place : place + 1] != "{":
        found = source.text[place : place + 40].split("\n")[0]
        raise source.error(place, "expected the body of a kernel, found", found)
    return kernel, place


def _body(source: Source, kernel: Kernel, start: int, end: int, outer: list[Variable]) -> None:
    items: list[Instruction] = []
    labels: dict[str, int] = {}
    variables = _named(source.text[start:end], outer)
    for statement in statements(source, start, end):
        if statement.kind == "label":
            if statement.text in labels:
                raise source.error(statement.place, "a label twice", statement.text)
            labels[statement.text] = len(items)
        elif statement.kind == "instruction":
            items.append(instruction(source, statement))
        elif statement.text.startswith(".reg"):
            for name, kind in registers(source, statement.place, statement.text):
                kernel.registers[renamed(name, statement.renamed)] = kind
        elif not statement.text.startswith((".loc ", ".pragma ", ".file ")):
            variables.append(variable(source, statement.place, statement.text))
    shared = [item for item in variables if item.space == "shared"]
    kernel.dynamic_shared = any(item.dynamic for item in shared)
    kernel.shared, kernel.shared_bytes = placed(shared)
    kernel.local, kernel.local_bytes = placed([v for v in variables if v.space == "local"])
    kernel.constants = {v.name: v.data for v in variables if v.space in ("global", "const")}
    kernel.blocks = blocks(items, labels)


def _named(body: str, variables: list[Variable]) -> list[Variable]:
    """Return the module's variables that a kernel's body names."""
    names = set(re.findall(NAME, body))
    return [item for item in variables if item.name in names]
