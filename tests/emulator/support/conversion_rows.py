"""Rows of conversions and moves."""

import math
from fractions import Fraction

from tests.emulator.support import floating
from tests.emulator.support.rounding import BF16, F16, F32, FORMATS, TF32, bits_of, rounded, single
from tests.emulator.support.rows import Row, rows, width, wrapped

INTEGERS = "{u8,s8,u16,s16,u32,s32,u64,s64}"
WHOLE = {"rni": round, "rzi": math.trunc, "rmi": math.floor, "rpi": math.ceil}


def limits(kind):
    bits = width(kind)
    return (0, (1 << bits) - 1) if kind[0] == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)


def limited(value, kind):
    low, high = limits(kind)
    return min(max(value, low), high)


@rows(f"cvt{{,.sat}}.{INTEGERS}.{INTEGERS}")
def _(parts):
    target, source = parts[-2:]
    change = limited if "sat" in parts else wrapped
    return Row((source,), (target,), lambda a: change(a, target))


@rows(
    f"cvt{{.rni,.rzi,.rmi,.rpi}}{{,.sat}}.{INTEGERS}.f64",
    f"cvt{{.rni,.rzi,.rmi,.rpi}}{{,.ftz}}{{,.sat}}.{INTEGERS}.f32",
)
def _(parts):
    mode, target, source = parts[1], parts[-2], parts[-1]

    def expected(a):
        if math.isnan(a):
            highest = source == "f64" or width(target) == 64
            return wrapped(1 << width(target) - 1, target) if highest else 0
        a = floating.flush(a, F32) if "ftz" in parts else a
        if math.isinf(a):
            return limits(target)[a > 0]
        return limited(WHOLE[mode](Fraction(a)), target)

    return Row((source,), (target,), expected)


@rows(f"cvt{{.rn,.rz,.rm,.rp}}{{,.sat}}.{{f32,f64}}.{INTEGERS}")
def _(parts):
    mode, target, source = parts[1], parts[-2], parts[-1]

    def expected(a):
        found = rounded(Fraction(a), FORMATS[target], mode)
        return floating.saturate(found) if "sat" in parts else found

    return Row((source,), (target,), expected)


def narrowed(a, form, mode):
    if math.isnan(a) or math.isinf(a):
        return a
    return rounded(Fraction(a), form, mode, a)


@rows(
    "cvt{,.ftz}{,.sat}.f32.f32",
    "cvt{,.sat}.f64.f64",
    "cvt{,.ftz}{,.sat}.f64.f32",
    "cvt{.rn,.rz,.rm,.rp}{,.ftz}{,.sat}.f32.f64",
)
def _(parts):
    target, source = parts[-2:]
    mode = parts[1] if parts[1] in ("rz", "rm", "rp") else "rn"

    def expected(a):
        if "ftz" in parts and source == "f32":
            a = floating.flush(a, F32)
        found = narrowed(a, FORMATS[target], mode)
        if "ftz" in parts and target == "f32":
            found = floating.flush(found, F32)
        return floating.saturate(found) if "sat" in parts else found

    return Row((source,), (target,), expected)


@rows("cvt{.rni,.rzi,.rmi,.rpi}{,.ftz}{,.sat}.f32.f32", "cvt{.rni,.rzi,.rmi,.rpi}{,.sat}.f64.f64")
def _(parts):
    def expected(a):
        a = floating.flush(a, F32) if "ftz" in parts else a
        if math.isfinite(a):
            a = math.copysign(float(WHOLE[parts[1]](Fraction(a))), a)
        return floating.saturate(a) if "sat" in parts else a

    return Row((parts[-1],), (parts[-1],), expected)


def bf16(a, mode):
    """Return the bits of a number as bfloat16."""
    return 0x7FFF if math.isnan(a) else bits_of(narrowed(a, BF16, mode), "f32") >> 16


@rows("cvt.{rn,rz}.bf16.f32")
def _(parts):
    return Row(("f32",), ("b16",), lambda a: bf16(a, parts[1]))


@rows("cvt.{rn,rz}.bf16x2.f32")
def _(parts):
    return Row(("f32", "f32"), ("b32",), lambda a, b: bf16(a, parts[1]) << 16 | bf16(b, parts[1]))


@rows("cvt.f32.bf16")
def _(parts):
    return Row(("b16",), ("f32",), lambda a: single(a << 16), immediate=False)


@rows("cvt.rna.tf32.f32")
def _(parts):
    def expected(a):
        return 0x7FFFFFFF if math.isnan(a) else bits_of(narrowed(a, TF32, "rna"), "f32")

    return Row(("f32",), ("b32",), lambda a: _any_nan if math.isnan(a) else expected(a))


def _any_nan(found):
    return found & 0x7FFFFFFF > 0x7F800000


@rows("cvt.rn.f16.f32")
def _(parts):
    def expected(a):
        return (lambda found: found & 0x7FFF > 0x7C00) if math.isnan(a) else _half(a)

    return Row(("f32",), ("b16",), expected)


def _half(a):
    return bits_of(narrowed(a, F16, "rn"), "f16")


@rows("cvt.f32.f16")
def _(parts):
    return Row(("f16",), ("f32",), lambda a: a, immediate=False)


@rows("mov.{pred,b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}")
def _(parts):
    return Row((parts[-1],), (parts[-1],), lambda a: a)


@rows("cvta{,.to}.{global,local,const}.{u32,u64}")
def _(parts):
    return Row((parts[-1],), (parts[-1],), lambda a: a)
