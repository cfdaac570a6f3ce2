"""Moves, also between registers and their halves, and conversions of addresses (9.7.9)."""

from emulator.ptx import SIZES, Instruction
from emulator.translate.code import Code
from emulator.translate.names import DTYPES, UNSIGNED
from emulator.translate.opcodes import translates


@translates("mov.{pred,b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}")
def move(code: Code, item: Instruction) -> None:
    kind, (target, source) = item.parts[-1], item.operands
    if target.startswith("{"):
        _split(code, kind, target, source)
    elif source.startswith("{"):
        _joined(code, kind, target, source)
    else:
        code.assign(target, kind, code.value(source, kind))


def _split(code: Code, kind: str, target: str, source: str) -> None:
    """Write the parts of a value, the lowest first."""
    names = code.vector(target)
    part = UNSIGNED[SIZES[kind] // len(names)]
    code.line(f"w = parts({code.value(source, kind)}, {DTYPES[part]})")
    for i, name in enumerate(names):
        code.assign(name, part, f"w[..., {i}]")


def _joined(code: Code, kind: str, target: str, source: str) -> None:
    names = code.vector(source)
    part = UNSIGNED[SIZES[kind] // len(names)]
    values = ", ".join(code.value(name, part) for name in names)
    code.assign(target, kind, f"joined(({values}), {DTYPES[kind]})")


@translates("cvta{,.to}.{global,local,const}.{u32,u64}")
def convert_address(code: Code, item: Instruction) -> None:
    """Addresses of these spaces are generic ones; the machine tells them apart."""
    kind = item.parts[-1]
    code.assign(item.operands[0], kind, code.value(item.operands[1], kind))
