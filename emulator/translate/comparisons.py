"""Comparisons and selections (PTX manual, 9.7.6, and testp, 9.7.3.1)."""

from emulator.ptx import Instruction
from emulator.translate.code import Code
from emulator.translate.floats import operand
from emulator.translate.opcodes import translates

_UFUNCS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "lo": "less",
    "ls": "less_equal",
    "hi": "greater",
    "hs": "greater_equal",
}
# Comparisons that hold for a NaN are the opposites of those that do not.
_OPPOSITES = {"ltu": "ge", "leu": "gt", "gtu": "le", "geu": "lt"}
_JOINED = {"and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor"}


@translates(
    "setp.{eq,ne}{,.and,.or,.xor}.{b16,b32,b64}",
    "setp.{eq,ne,lt,le,gt,ge}{,.and,.or,.xor}.{u16,s16,u32,s32,u64,s64}",
    "setp.{lo,ls,hi,hs}{,.and,.or,.xor}.{u16,u32,u64}",
    "setp.{eq,ne,lt,le,gt,ge,equ,neu,ltu,leu,gtu,geu,num,nan}{,.and,.or,.xor}{,.ftz}.f32",
    "setp.{eq,ne,lt,le,gt,ge,equ,neu,ltu,leu,gtu,geu,num,nan}{,.and,.or,.xor}.f64",
)
def compare(code: Code, item: Instruction) -> None:
    kind, targets = item.parts[-1], item.operands[0].split("|")
    a, b = (operand(code, text, kind, "ftz" in item.parts) for text in item.operands[1:3])
    joined = next((_JOINED[part] for part in item.parts if part in _JOINED), "")
    function = _ufunc(item.parts[1], kind)
    if function and not joined and len(targets) == 1:
        code.compute(function, targets[0], "pred", a, b)
        return
    found = f"{function}({a}, {b})" if function else _expression(item.parts[1], a, b)
    if not joined and len(targets) == 1:
        code.assign(targets[0], "pred", found)
        return
    code.line(f"w = {found}")
    values = ["w", "~w"][: len(targets)]
    if joined:
        other = code.predicate(item.operands[3])
        values = [f"{joined}({value}, {other})" for value in values]
    # All are computed first: a target may be the third operand.
    names = ["w", "v"][: len(targets)]
    code.line(f"{', '.join(names)} = {', '.join(values)}")
    for target, name in zip(targets, names, strict=True):
        code.assign(target, "pred", name)


def _ufunc(name: str, kind: str) -> str:
    """Return NumPy's function for a comparison, or "" if it has none."""
    if kind[0] != "f":
        return _UFUNCS[name]
    return {"neu": "not_equal", "ne": ""}.get(name, _UFUNCS.get(name, ""))


def _expression(name: str, a: str, b: str) -> str:
    """Return a comparison of floating-point values that takes several of NumPy's."""
    if name in ("num", "nan"):
        return f"{'~' * (name == 'nan')}(equal({a}, {a}) & equal({b}, {b}))"
    if name in ("ne", "equ"):
        return f"{'~' * (name == 'equ')}(less({a}, {b}) | greater({a}, {b}))"
    return f"~{_UFUNCS[_OPPOSITES[name]]}({a}, {b})"


@translates("selp.{b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}")
def select(code: Code, item: Instruction) -> None:
    kind, (target, a, b, predicate) = item.parts[-1], item.operands
    chosen = code.predicate(predicate)
    code.assign(target, kind, f"where({chosen}, {code.value(a, kind)}, {code.value(b, kind)})")


@translates(
    "slct.{b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}.{s32,f32}", "slct.ftz.{b32,f32}.f32"
)
def select_by_sign(code: Code, item: Instruction) -> None:
    """The first operand where the third is at least 0 (-0 is, NaN is not), else the second."""
    *_, kind, by = item.parts
    a, b = (code.value(text, kind) for text in item.operands[1:3])
    c = code.value(item.operands[3], by)
    zero = code.value("0f00000000" if by == "f32" else "0", by)
    code.assign(item.operands[0], kind, f"where(greater_equal({c}, {zero}), {a}, {b})")


_TESTS = {"finite": "isfinite", "infinite": "isinf", "notanumber": "isnan"}


@translates("testp.{finite,infinite,notanumber,number,normal,subnormal}.{f32,f64}")
def test(code: Code, item: Instruction) -> None:
    (target, text), kind, which = item.operands, item.parts[-1], item.parts[1]
    value = code.value(text, kind)
    if which in _TESTS:
        code.compute(_TESTS[which], target, "pred", value)
    elif which == "number":
        code.assign(target, "pred", f"~isnan({value})")
    else:
        code.assign(target, "pred", f"is_{which}({value})")
