"""Approximate instructions (PTX manual, 9.7.3); each is told which instruction it is."""

from emulator.ptx import Instruction
from emulator.translate.code import Code
from emulator.translate.floats import operand
from emulator.translate.opcodes import translates


@translates(
    "{rcp,sqrt,rsqrt,sin,cos,lg2,ex2}.approx{,.ftz}.f32",
    "div.{approx,full}{,.ftz}.f32",
    "tanh.approx.f32",
)
def approximation(code: Code, item: Instruction) -> None:
    flush = "ftz" in item.parts
    values = [operand(code, text, "f32", flush) for text in item.operands[1:]]
    found = f"{item.parts[0]}_{item.parts[1]}({code.site}, {', '.join(values)})"
    code.assign(item.operands[0], "f32", f"flushed({found})" if flush else found)


@translates("rcp.approx.ftz.f64")
def gross_reciprocal(code: Code, item: Instruction) -> None:
    value = code.value(item.operands[1], "f64")
    code.assign(item.operands[0], "f64", f"rcp_approx_f64({code.site}, {value})")
