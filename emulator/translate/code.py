"""The code of one block as it is written: expressions for operands, statements for results.

A block is written twice: for all threads, where `mask` is None, and for those of a mask, named by
`mask`, which get their results while the others' registers keep their values.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from emulator.ptx import SIZES, Instruction, Kernel, PtxError
from emulator.translate.literals import literal
from emulator.translate.names import DTYPES, UNSIGNED, Names, identifier, plain

_ADDRESS = re.compile(r"\[\s*([^\s+\]]+)\s*(?:\+\s*(-?\w+)\s*)?\]")


class Code:
    """item: the instruction being translated.  site: its number in the kernel."""

    def __init__(self, names: Names) -> None:
        self.names, self.lines = names, list[str]()
        self.mask: str | None = None
        self.item = Instruction("", (), None, "", 0)
        self.site = 0
        self._indent = 1

    @property
    def kernel(self) -> Kernel:
        return self.names.kernel

    @property
    def active(self) -> str:
        """The mask as the machine's functions take it."""
        return self.mask or "True"

    def error(self, problem: str) -> PtxError:
        return PtxError(self.item.line, problem, self.item.text)

    def line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, head: str, mask: str | None) -> Iterator[None]:
        """Write a compound statement; its body is for the threads of another mask."""
        self.line(head)
        before, start, self.mask = self.mask, len(self.lines), mask
        self._indent += 1
        yield
        if len(self.lines) == start:
            self.line("pass")
        self._indent -= 1
        self.mask = before

    # -- operands

    def value(self, text: str, kind: str) -> str:
        """Return an operand that is read: an array or a scalar of a type."""
        own = self.kernel.registers.get(text)
        if own is not None:
            if SIZES[own] <= SIZES[kind]:
                return self.names.register(text, kind, self.item)
            whole = self.names.register(text, UNSIGNED[SIZES[own]], self.item)
            return f"{whole}.astype({DTYPES[kind]})"
        if special := self.names.special(text):
            if SIZES[kind] != 4:
                raise self.error(f"{text} as .{kind}")
            return special if plain(kind) == "u32" else f"{special}.view({DTYPES[kind]})"
        number = literal(text, kind)
        if number is not None:
            return self.names.constant(number, kind)
        for space in (self.kernel.shared, self.kernel.local):
            if text in space and SIZES[kind] >= 4:
                return self.names.constant(np.dtype(DTYPES[kind]).type(space[text].offset), kind)
        if text in self.kernel.constants:
            return f"address_{identifier(text)}"
        raise self.error(f"{text} as .{kind}")

    def predicate(self, text: str) -> str:
        """Return a predicate that is read, as `p` or `!p`."""
        found = self.value(text.lstrip("!"), "pred")
        return f"~{found}" if text.startswith("!") else found

    def vector(self, text: str) -> list[str]:
        """Return the operands in braces, or the one that stands alone."""
        return [part.strip() for part in text.strip("{}").split(",")]

    def address(self, text: str) -> tuple[str, int]:
        """Return base and offset of an address in brackets."""
        match = _ADDRESS.fullmatch(text)
        if not match:
            raise self.error(f"address {text}")
        return match[1], int(match[2] or "0", 0)

    # -- results

    def compute(
        self, function: str, target: str, kind: str, *operands: str, dtype: str = ""
    ) -> None:
        """Write a ufunc's results to a register; dtype: in which it computes, if not its own."""
        if target == "_":
            return
        out = self.names.register(target, kind, self.item)
        named = self.mask or dtype or function in ("minimum", "maximum")  # NumPy wants it so
        given = [*operands, f"out={out}" if named else out]
        given += [f"where={self.mask}"] * bool(self.mask) + [f"dtype={dtype}"] * bool(dtype)
        self.line(f"{function}({', '.join(given)})")

    def assign(self, target: str, kind: str, value: str) -> None:
        """Write an expression's values, cast as NumPy casts, to a register of a type's size."""
        if target == "_":
            return
        out = self.names.register(target, kind, self.item)
        if self.mask:
            self.line(f"copyto({out}, {value}, where={self.mask}, casting='unsafe')")
        elif re.fullmatch(r"[kp]\d+(_\w+)?", value):
            self.line(f"{out}.fill({value})")
        else:
            self.line(f"{out}[:] = {value}")

    def extend(self, target: str, kind: str, value: str) -> None:
        """Write values of a type to a register that may be wider: extended by sign or by zeros."""
        own = self.kernel.registers.get(target, kind)
        if SIZES[own] > SIZES[kind]:
            wide = 8 * SIZES[own]
            kind = f"s{wide}" if DTYPES[kind].startswith("int") else f"u{wide}"
        self.assign(target, kind, value)

    def loaded(self, target: str, kind: str, value: str) -> None:
        """Write values that are given for the active threads only, extended like `extend`'s.

        value: of unsigned integers of the type's size.
        """
        if target == "_":
            return
        own = self.kernel.registers.get(target, kind)
        if SIZES[own] > SIZES[kind]:
            wide = 8 * SIZES[own]
            signed = DTYPES[kind].startswith("int")
            value = f"{value}.view({DTYPES[kind]})" if signed else value
            out = self.names.register(target, f"s{wide}" if signed else f"u{wide}", self.item)
        else:
            out = self.names.register(target, UNSIGNED[SIZES[kind]], self.item)
        self.line(f"{out}[{self.mask or ':'}] = {value}")
