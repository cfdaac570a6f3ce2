"""Integer arithmetic and logic (PTX manual, 9.7.1 and 9.7.8)."""

from emulator.ptx import Instruction
from emulator.translate.code import Code
from emulator.translate.names import DTYPES
from emulator.translate.opcodes import translates

_ALL = "{u16,s16,u32,s32,u64,s64}"
_UFUNCS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "not": "bitwise_not",
}


@translates(f"{{add,sub,mul.lo}}.{_ALL}")
def arithmetic(code: Code, item: Instruction) -> None:
    """Computed without signs: the results are the same bits, and no overflow is an error."""
    kind = item.parts[-1].replace("s", "u")
    values = (code.value(text, kind) for text in item.operands[1:])
    code.compute(_UFUNCS[item.parts[0]], item.operands[0], kind, *values)


@translates("{and,or,xor,not}.{pred,b16,b32,b64}")
def logic(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    values = (code.value(text, kind) for text in item.operands[1:])
    code.compute(_UFUNCS[item.parts[0]], item.operands[0], kind, *values)


def wider(kind: str) -> str:
    """Return the type of products of a type: u32 -> u64."""
    return f"{kind[0]}{2 * int(kind[1:])}"


@translates("mul.wide.{u16,s16,u32,s32}")
def wide_product(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    a, b = (code.value(text, kind) for text in item.operands[1:])
    code.compute("multiply", item.operands[0], wider(kind), a, b, dtype=DTYPES[wider(kind)])


@translates("mad.wide.{u16,s16,u32,s32}")
def wide_product_sum(code: Code, item: Instruction) -> None:
    kind, wide = item.parts[-1], wider(item.parts[-1])
    a, b = (code.value(text, kind) for text in item.operands[1:3])
    product = f"multiply({a}, {b}, dtype={DTYPES[wide]})"
    code.compute("add", item.operands[0], wide, product, code.value(item.operands[3], wide))


@translates(f"mad.lo.{_ALL}")
def product_sum(code: Code, item: Instruction) -> None:
    kind = item.parts[-1].replace("s", "u")
    a, b, c = (code.value(text, kind) for text in item.operands[1:])
    code.compute("add", item.operands[0], kind, f"multiply({a}, {b})", c)


@translates(f"mul.hi.{_ALL}")
def high_product(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    a, b = (code.value(text, kind) for text in item.operands[1:])
    code.assign(item.operands[0], kind, f"multiply_high({a}, {b})")


@translates(f"mad.hi.{_ALL}")
def high_product_sum(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    a, b, c = (code.value(text, kind) for text in item.operands[1:])
    code.compute("add", item.operands[0], kind, f"multiply_high({a}, {b})", c)


@translates(f"{{div,rem}}.{_ALL}")
def division(code: Code, item: Instruction) -> None:
    kind = item.parts[-1]
    a, b = (code.value(text, kind) for text in item.operands[1:])
    function = "quotient" if item.parts[0] == "div" else "remainder"
    code.assign(item.operands[0], kind, f"{function}({a}, {b})")


@translates("{abs,neg}.{s16,s32,s64}")
def sign(code: Code, item: Instruction) -> None:
    function = "absolute" if item.parts[0] == "abs" else "negative"
    kind = item.parts[-1]
    code.compute(function, item.operands[0], kind, code.value(item.operands[1], kind))


@translates(f"{{min,max}}.{_ALL}")
def extreme(code: Code, item: Instruction) -> None:
    function = "minimum" if item.parts[0] == "min" else "maximum"
    kind = item.parts[-1]
    values = (code.value(text, kind) for text in item.operands[1:])
    code.compute(function, item.operands[0], kind, *values)
