"""Floating-point arithmetic whose results are exactly rounded (PTX manual, 9.7.3)."""

from emulator.ptx import Instruction
from emulator.translate.code import Code
from emulator.translate.opcodes import translates

_MODES = ("rz", "rm", "rp")
_NEAREST = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "rcp": "divide",
    "sqrt": "sqrt",
    "fma": "fma",
}
_DIRECTED = {
    "add": "added",
    "sub": "added",
    "mul": "multiplied",
    "div": "divided",
    "rcp": "divided",
    "sqrt": "root",
    "fma": "fused",
}


@translates(
    "{add,sub,mul}{,.rn,.rz,.rm,.rp}{,.ftz}{,.sat}.f32",
    "fma{.rn,.rz,.rm,.rp}{,.ftz}{,.sat}.f32",
    "{div,rcp,sqrt}{.rn,.rz,.rm,.rp}{,.ftz}.f32",
    "{add,sub,mul}{,.rn}.f64",
    "{fma,div,rcp,sqrt}.rn.f64",
)
def arithmetic(code: Code, item: Instruction) -> None:
    head, kind, target = item.parts[0], item.parts[-1], item.operands[0]
    flush = "ftz" in item.parts
    values = [operand(code, text, kind, flush) for text in item.operands[1:]]
    if head == "rcp":
        values.insert(0, operand(code, _one(kind), kind, False))
    mode = next((part for part in item.parts if part in _MODES), "")
    masked = head == "fma" and code.mask  # Numba's ufunc takes no mask
    if not (mode or flush or masked or "sat" in item.parts):
        code.compute(_NEAREST[head], target, kind, *values)
        return
    if mode:
        if head == "sub":
            values[1] = f"negative({values[1]})"
        found = f"{_DIRECTED[head]}({', '.join(values)}, {mode!r})"
    else:
        found = f"{_NEAREST[head]}({', '.join(values)})"
    found = f"flushed({found})" if flush else found
    code.assign(target, kind, f"saturated({found})" if "sat" in item.parts else found)


def operand(code: Code, text: str, kind: str, flush: bool) -> str:
    value = code.value(text, kind)
    return f"flushed({value})" if flush else value


def _one(kind: str) -> str:
    return "0f3F800000" if kind == "f32" else "0d3FF0000000000000"


@translates("{abs,neg}{,.ftz}.f32", "{abs,neg}.f64")
def sign(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    value = operand(code, item.operands[1], kind, "ftz" in item.parts)
    function = "absolute" if item.parts[0] == "abs" else "negative"
    code.compute(function, item.operands[0], kind, value)


@translates("{min,max}{,.ftz}{,.NaN}.f32", "{min,max}.f64")
def extreme(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    values = [operand(code, text, kind, "ftz" in item.parts) for text in item.operands[1:]]
    function = "smallest" if item.parts[0] == "min" else "largest"
    nan = ", True" if "NaN" in item.parts else ""
    code.assign(item.operands[0], kind, f"{function}({', '.join(values)}{nan})")


@translates("copysign.{f32,f64}")
def copysign(code: Code, item: Instruction) -> None:
    """The first operand has the sign, the second the size."""
    kind = item.parts[-1]
    sign_of, size = (code.value(text, kind) for text in item.operands[1:])
    code.compute("copysign", item.operands[0], kind, size, sign_of)
