"""The opcodes that are translated, and by which function."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from emulator.ptx import Instruction, PtxError
from emulator.translate.code import Code

Handler = Callable[[Code, Instruction], None]
_H = TypeVar("_H", bound=Handler)

HANDLERS: dict[str, Handler] = {}

# Modifiers without an effect here: caching, and order that is weaker than what is emulated.
_HINTS = {
    "ld": re.compile(r"\.(?:volatile|weak|relaxed|cta|gpu|sys|nc|ca|cg|cs|lu|cv|L[12]::\w+)\b"),
    "st": re.compile(r"\.(?:volatile|weak|relaxed|cta|gpu|sys|wb|cg|cs|wt|L[12]::\w+)\b"),
    "cp": re.compile(r"\.L2::\w+"),
    "shared::cta": re.compile(r"::cta\b"),
}


def translates(*patterns: str) -> Callable[[_H], _H]:
    """Return a decorator that makes a function translate the opcodes of patterns.

    `{a,b}` in a pattern stands for either text: "add.{u32,s32}" are two opcodes.
    """

    def register(handler: _H) -> _H:
        for pattern in patterns:
            for op in _expanded(pattern):
                if op in HANDLERS:
                    raise ValueError(f"two functions translate {op}")
                HANDLERS[op] = handler
        return handler

    return register


def _expanded(pattern: str) -> Iterator[str]:
    match = re.search(r"\{([^{}]*)\}", pattern)
    if not match:
        yield pattern
        return
    for choice in match[1].split(","):
        yield from _expanded(pattern[: match.start()] + choice + pattern[match.end() :])


def canonical(op: str) -> str:
    """Return an opcode without modifiers that have no effect here."""
    hints = _HINTS.get(op.split(".")[0])
    op = hints.sub("", op) if hints else op
    return _HINTS["shared::cta"].sub("", op)


def handler(item: Instruction) -> Handler:
    """Return the function that translates an instruction; raise PtxError if there is none."""
    found = HANDLERS.get(canonical(item.op))
    if not found:
        raise PtxError(item.line, "an instruction that is not supported", item.text)
    return found
