"""What a PTX module contains: the records that the parser makes and everything else reads."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# Bytes of each fundamental type (PTX manual, 5.2.1 and 5.2.3); a predicate has none.
SIZES = {
    "pred": 0,
    **dict.fromkeys(("b8", "u8", "s8"), 1),
    **dict.fromkeys(("b16", "u16", "s16", "f16", "bf16"), 2),
    **dict.fromkeys(("b32", "u32", "s32", "f32", "f16x2", "bf16x2", "tf32"), 4),
    **dict.fromkeys(("b64", "u64", "s64", "f64"), 8),
}


class Guard(NamedTuple):
    """`@register` or, negated, `@!register`: the threads that execute an instruction."""

    register: str
    negated: bool


class Place(NamedTuple):
    """Where a variable or parameter begins in its space, and its size, in bytes."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `op` with its modifiers, operands as texts, and the line it stands in."""

    op: str
    operands: tuple[str, ...]
    guard: Guard | None
    text: str
    line: int

    @property
    def parts(self) -> list[str]:
        return self.op.split(".")


class Goto(NamedTuple):
    """All threads go on with `block`."""

    kind: Literal["goto"]
    block: int


class Branch(NamedTuple):
    """Threads for which the guard holds go on with `block`, the others with `other`."""

    kind: Literal["branch"]
    guard: Guard
    block: int
    other: int


class Exit(NamedTuple):
    """Threads end; with a guard, those for which it does not hold go on with `other`."""

    kind: Literal["exit"]
    guard: Guard | None
    other: int


class Barrier(NamedTuple):
    """Threads wait, as `instruction` says, and then go on with `block`."""

    kind: Literal["bar"]
    instruction: Instruction
    block: int


End = Goto | Branch | Exit | Barrier


@dataclass(slots=True)
class Block:
    """Instructions that are executed in a row, and how control leaves them."""

    number: int
    body: list[Instruction]
    end: End


@dataclass(slots=True)
class Kernel:
    """An entry function.

    params, shared, local: the place of each name.  registers: the type of each name.  constants:
    initial bytes of the module's variables in global and constant memory that the kernel names.
    most_threads: of a block, by `.maxntid` or `.reqntid`, else 1,024.  block_shape: the shape that
    `.reqntid` requires, or None.  dynamic_shared: the kernel names an array of dynamic shared
    memory; it begins behind the last other one, at `shared[name].offset`.
    """

    name: str
    params: dict[str, Place] = field(default_factory=dict)
    registers: dict[str, str] = field(default_factory=dict)
    shared: dict[str, Place] = field(default_factory=dict)
    local: dict[str, Place] = field(default_factory=dict)
    constants: dict[str, bytes] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    most_threads: int = 1024
    block_shape: tuple[int, int, int] | None = None
    param_bytes: int = 0
    shared_bytes: int = 0
    local_bytes: int = 0
    dynamic_shared: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """version: of the PTX language.  target: as "sm_90a".  kernels: by name, in order."""

    version: str
    target: str
    kernels: dict[str, Kernel]
