"""Conversions between types (PTX manual, 9.7.9.21)."""

from emulator.ptx import SIZES, Instruction
from emulator.translate.code import Code
from emulator.translate.floats import operand
from emulator.translate.names import DTYPES
from emulator.translate.opcodes import translates

_INTEGERS = "{u8,s8,u16,s16,u32,s32,u64,s64}"


@translates(f"cvt{{,.sat}}.{_INTEGERS}.{_INTEGERS}")
def integers(code: Code, item: Instruction) -> None:
    target, source = item.parts[-2:]
    value = code.value(item.operands[1], source)
    if "sat" in item.parts:
        value = f"limited({value}, {DTYPES[target]})"
    _extended(code, item.operands[0], target, source, value)


def _extended(code: Code, register: str, target: str, source: str, value: str) -> None:
    """Write values of the source's type, cut to the target's, to a register that may be wider."""
    wider = SIZES[code.kernel.registers.get(register, target)] > SIZES[target]
    if (wider or SIZES[source] > SIZES[target]) and not value.startswith("limited"):
        value = f"asarray({value}).astype({DTYPES[target]})"
    code.extend(register, target, value)


@translates(f"cvt{{.rni,.rzi,.rmi,.rpi}}{{,.sat}}.{_INTEGERS}.f64")
@translates(f"cvt{{.rni,.rzi,.rmi,.rpi}}{{,.ftz}}{{,.sat}}.{_INTEGERS}.f32")
def float_to_integer(code: Code, item: Instruction) -> None:
    """`.sat` changes nothing: all values are limited to the target's range."""
    mode, target, source = item.parts[1], item.parts[-2], item.parts[-1]
    value = operand(code, item.operands[1], source, "ftz" in item.parts)
    code.extend(item.operands[0], target, f"to_integer({value}, {DTYPES[target]}, {mode!r})")


@translates(f"cvt{{.rn,.rz,.rm,.rp}}{{,.sat}}.{{f32,f64}}.{_INTEGERS}")
def integer_to_float(code: Code, item: Instruction) -> None:
    mode, target, source = item.parts[1], item.parts[-2], item.parts[-1]
    value = code.value(item.operands[1], source)
    if mode != "rn":
        value = f"integer_to_float({value}, {DTYPES[target]}, {mode!r})"
    if "sat" in item.parts:
        value = f"saturated(asarray({value}).astype({DTYPES[target]}))"
    code.assign(item.operands[0], target, value)


@translates("cvt{,.ftz}{,.sat}.f32.f32", "cvt{,.sat}.f64.f64", "cvt{,.ftz}{,.sat}.f64.f32")
@translates("cvt{.rn,.rz,.rm,.rp}{,.ftz}{,.sat}.f32.f64")
def floats(code: Code, item: Instruction) -> None:
    target, source = item.parts[-2:]
    flush = "ftz" in item.parts
    value = operand(code, item.operands[1], source, flush and source == "f32")
    if SIZES[target] < SIZES[source]:
        if item.parts[1] != "rn":
            value = f"narrow({value}, {item.parts[1]!r})"
        elif flush or "sat" in item.parts:
            value = f"asarray({value}).astype(float32)"
        value = f"flushed({value})" if flush else value
    code.assign(item.operands[0], target, f"saturated({value})" if "sat" in item.parts else value)


_ROUNDED = {"rni": "rint", "rzi": "trunc", "rmi": "floor", "rpi": "ceil"}


@translates(
    "cvt{.rni,.rzi,.rmi,.rpi}{,.ftz}{,.sat}.f32.f32", "cvt{.rni,.rzi,.rmi,.rpi}{,.sat}.f64.f64"
)
def whole(code: Code, item: Instruction) -> None:
    """Round to an integer, as a floating-point value."""
    kind, function = item.parts[-1], _ROUNDED[item.parts[1]]
    value = operand(code, item.operands[1], kind, "ftz" in item.parts)
    if "sat" in item.parts:
        code.assign(item.operands[0], kind, f"saturated({function}({value}))")
    else:
        code.compute(function, item.operands[0], kind, value)


@translates("cvt.{rn,rz}.bf16.f32")
def to_bf16(code: Code, item: Instruction) -> None:
    value = code.value(item.operands[1], "f32")
    code.extend(item.operands[0], "bf16", f"to_bf16({value}, {item.parts[1]!r})")


@translates("cvt.{rn,rz}.bf16x2.f32")
def to_bf16_pair(code: Code, item: Instruction) -> None:
    high, low = (code.value(text, "f32") for text in item.operands[1:])
    code.assign(item.operands[0], "b32", f"bf16_pair({high}, {low}, {item.parts[1]!r})")


@translates("cvt.f32.bf16")
def from_bf16(code: Code, item: Instruction) -> None:
    code.assign(item.operands[0], "f32", f"from_bf16({code.value(item.operands[1], 'bf16')})")


@translates("cvt.rna.tf32.f32")
def to_tf32(code: Code, item: Instruction) -> None:
    code.assign(item.operands[0], "b32", f"to_tf32({code.value(item.operands[1], 'f32')})")


@translates("cvt.rn.f16.f32", "cvt.f32.f16")
def half(code: Code, item: Instruction) -> None:
    target, source = item.parts[-2:]
    value = code.value(item.operands[1], source)
    if target == "f16":
        code.extend(item.operands[0], "b16", f"asarray({value}).astype(float16).view(uint16)")
    else:
        code.assign(item.operands[0], target, value)
