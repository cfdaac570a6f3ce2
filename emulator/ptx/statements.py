"""A kernel's body split into labels, declarations and instructions, with the scopes of names."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from emulator.ptx.records import Guard, Instruction
from emulator.ptx.source import NAME, Source

_LABEL = re.compile(rf"({NAME})\s*:(?!:)")
_NAMES = re.compile(r"(?<![\w$%.])(?:[A-Za-z][\w$]*|[_$%][\w$]+)")
_INSTRUCTION = re.compile(rf"(?:@(!?)({NAME})\s+)?([a-z]\w*(?:(?:\.|::)\w+)*)(?:\s+(.*))?")
_NUMBER = r"-?(?:0[fF][0-9a-fA-F]{8}|0[dD][0-9a-fA-F]{16}|0[xX][0-9a-fA-F]+U?|\d+U?)"
_SIMPLE = rf"(?:!?{NAME}(?:\.[xyz])?|{_NUMBER}|_)"
_OPERAND = re.compile(
    rf"{_SIMPLE}(?:\|{_SIMPLE})?|"
    rf"\[\s*(?:{NAME}|\d+)\s*(?:\+\s*-?\w+\s*)?\]|"
    rf"\{{\s*{_SIMPLE}(?:\s*,\s*{_SIMPLE})*\s*\}}"
)


class Statement(NamedTuple):
    """kind: "label", "directive" or "instruction"; place: where it begins in the module."""

    kind: str
    text: str
    place: int
    renamed: dict[str, str]


def statements(source: Source, start: int, end: int) -> Iterator[Statement]:
    """Yield the statements between two places.

    Names declared in an inner scope get a number, `%local_NAME_NUMBER`; `renamed` is the mapping
    that is in force.
    """
    text, place, number = source.text, start, 0
    scopes: list[dict[str, str]] = [{}]
    while place < end:
        if text[place].isspace() or text[place] == ";":
            place += 1
        elif text[place] == "{":
            scopes.append(dict(scopes[-1]))
            place += 1
        elif text[place] == "}":
            scopes.pop()
            place += 1
        elif label := _LABEL.match(text, place, end):
            yield Statement("label", label[1], place, {})
            place = label.end()
        else:
            stop = _line_end(text, place, end) or source.semicolon(place, end)
            found = " ".join(text[place:stop].split())
            if found.startswith(".reg") and len(scopes) > 1:
                for name in re.findall(NAME, found.split(None, 2)[2]):
                    number += 1
                    scopes[-1][name] = f"%local_{name.lstrip('%')}_{number}"
            kind = "directive" if found.startswith(".") else "instruction"
            yield Statement(kind, found, place, scopes[-1])
            place = stop + 1


def _line_end(text: str, place: int, end: int) -> int:
    """Return the end of a directive that no semicolon ends (PTX manual, 11.5), else 0."""
    if not re.compile(r"\.(?:loc|file)\s").match(text, place, end):
        return 0
    found = text.find("\n", place, end)
    return end if found < 0 else found


def renamed(text: str, names: dict[str, str]) -> str:
    """Return a text with the names of inner scopes replaced."""
    return _NAMES.sub(lambda match: names.get(match[0], match[0]), text) if names else text


def instruction(source: Source, statement: Statement) -> Instruction:
    """Return the instruction that a statement is; every operand has a form that is known."""
    match = _INSTRUCTION.fullmatch(statement.text)
    if not match:
        raise source.error(statement.place, "not an instruction", statement.text)
    negated, register, op, rest = match.groups()
    rest = renamed(rest or "", statement.renamed)
    guard = Guard(renamed(register, statement.renamed), bool(negated)) if register else None
    operands = tuple(split(rest))
    for operand in operands:
        if not _OPERAND.fullmatch(operand):
            raise source.error(statement.place, f"operand {operand!r}", statement.text)
    text = f"{op} {rest}".strip()
    return Instruction(op, operands, guard, text, source.line(statement.place))


def split(text: str) -> list[str]:
    """Return operands, separated by the commas outside of brackets."""
    found, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "{[(") - (letter in "}])")
        if letter == "," and not depth:
            found.append(text[start:place].strip())
            start = place + 1
    last = text[start:].strip()
    return [*found, last] if last else found
