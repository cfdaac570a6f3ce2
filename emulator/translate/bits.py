"""Shifts, bit fields, permutations of bytes, counts of bits (PTX manual, 9.7.1 and 9.7.8)."""

import numpy as np

from emulator.ptx import SIZES, Instruction
from emulator.translate.code import Code
from emulator.translate.literals import literal
from emulator.translate.names import DTYPES
from emulator.translate.opcodes import translates


@translates("shl.{b16,b32,b64}", "shr.{b16,b32,b64,u16,u32,u64,s16,s32,s64}")
def shift(code: Code, item: Instruction) -> None:
    kind, (target, value, count) = item.parts[-1], item.operands
    name = "left_shift" if item.parts[0] == "shl" else "right_shift"
    number = literal(count, "u32")
    if number is not None:  # one pass: the count is of the value's type
        most = min(int(number), 8 * SIZES[kind])
        given = code.names.constant(np.dtype(DTYPES[kind]).type(most), kind)
        code.compute(name, target, kind, code.value(value, kind), given)
        return
    name = "shift_left" if item.parts[0] == "shl" else "shift_right"
    code.assign(target, kind, f"{name}({code.value(value, kind)}, {code.value(count, 'u32')})")


@translates("shf.{l,r}.{wrap,clamp}.b32")
def funnel_shift(code: Code, item: Instruction) -> None:
    low, high, count = (code.value(text, "u32") for text in item.operands[1:])
    how = f"{item.parts[1] == 'l'}, {item.parts[2] == 'wrap'}"
    code.assign(item.operands[0], "b32", f"funnel({low}, {high}, {count}, {how})")


@translates("{clz,popc}.{b32,b64}")
def count_bits(code: Code, item: Instruction) -> None:
    value = code.value(item.operands[1], item.parts[-1])
    code.assign(item.operands[0], "u32", f"{item.parts[0]}({value})")


@translates("brev.{b32,b64}")
def reverse(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    code.assign(item.operands[0], kind, f"brev({code.value(item.operands[1], kind)})")


@translates("bfe.{u32,s32,u64,s64}")
def extract(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    value = code.value(item.operands[1], kind)
    start, length = (code.value(text, "u32") for text in item.operands[2:])
    code.assign(item.operands[0], kind, f"bfe({value}, {start}, {length})")


@translates("bfi.{b32,b64}")
def insert(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    a, b = (code.value(text, kind) for text in item.operands[1:3])
    start, length = (code.value(text, "u32") for text in item.operands[3:])
    code.assign(item.operands[0], kind, f"bfi({a}, {b}, {start}, {length})")


@translates("prmt.b32")
def permute(code: Code, item: Instruction) -> None:
    values = ", ".join(code.value(text, "u32") for text in item.operands[1:])
    code.assign(item.operands[0], "b32", f"permute({values})")


@translates("lop3.b32")
def logic_of_three(code: Code, item: Instruction) -> None:
    table = literal(item.operands[4], "u8")
    if table is None:
        raise code.error("a table that is not a number")
    values = ", ".join(code.value(text, "u32") for text in item.operands[1:4])
    code.assign(item.operands[0], "b32", f"lop3({values}, {int(table)})")
