"""A row for each opcode: the types of its operands, and its results by exact arithmetic."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Row(NamedTuple):
    """expected: of the operands' values, Python numbers, the result or a tuple of results.

    inputs, outputs: types, of operands that are registers.  form: the instruction's operands, with
    {0}, {1}, ... for inputs and {d} (and {e}) for outputs, if they are not all in order.
    immediate: whether the last input may be a number in the text.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    expected: Callable[..., Any]
    form: str = ""
    immediate: bool = True


ROWS: dict[str, Row] = {}


def rows(*patterns: str) -> Callable[[Callable[[list[str]], Row]], None]:
    """Return a decorator of a function from an opcode's parts to its row."""

    def enter(made: Callable[[list[str]], Row]) -> None:
        for pattern in patterns:
            for op in expanded(pattern):
                assert op not in ROWS, op
                ROWS[op] = made(op.split("."))

    return enter


def expanded(pattern: str) -> Iterator[str]:
    """Yield the texts that a pattern stands for: "a.{b,c}" for "a.b" and "a.c"."""
    head, brace, tail = pattern.partition("{")
    if not brace:
        yield pattern
        return
    choices, _, rest = tail.partition("}")
    for choice in choices.split(","):
        yield from expanded(head + choice + rest)


def width(kind: str) -> int:
    return int(re.sub(r"\D", "", kind))


def wrapped(value: int, kind: str) -> int:
    """Return an integer modulo the size of a type."""
    if kind == "pred":
        return bool(value & 1)
    value &= (1 << width(kind)) - 1
    return value - (1 << width(kind)) if kind[0] == "s" and value >> width(kind) - 1 else value
