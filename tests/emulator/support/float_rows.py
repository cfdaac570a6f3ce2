"""Rows of floating-point instructions, computed with fractions."""

import math

from tests.emulator.support import floating
from tests.emulator.support.rounding import FORMATS, bits_of, smallest_normal
from tests.emulator.support.rows import Row, rows

ONE_ROUNDING = {
    "add": floating.add,
    "sub": lambda a, b, form, mode: floating.add(a, -b, form, mode),
    "mul": floating.multiply,
    "fma": floating.fma,
    "div": floating.divide,
    "rcp": lambda a, form, mode: floating.divide(1.0, a, form, mode),
    "sqrt": floating.root,
}
OPERANDS = {"fma": 3, "rcp": 1, "sqrt": 1}


def modified(function, parts, form):
    """Return a function with a result's and operands' `.ftz` and `.sat`."""
    flush, saturate = "ftz" in parts, "sat" in parts

    def expected(*values):
        if flush:
            values = [floating.flush(value, form) for value in values]
        found = function(*values)
        found = floating.flush(found, form) if flush else found
        return floating.saturate(found) if saturate else found

    return expected


@rows(
    "{add,sub,mul}{,.rn,.rz,.rm,.rp}{,.ftz}{,.sat}.f32",
    "fma{.rn,.rz,.rm,.rp}{,.ftz}{,.sat}.f32",
    "{div,rcp,sqrt}{.rn,.rz,.rm,.rp}{,.ftz}.f32",
    "{add,sub,mul}{,.rn}.f64",
    "{fma,div,rcp,sqrt}.rn.f64",
)
def _(parts):
    kind, form, function = parts[-1], FORMATS[parts[-1]], ONE_ROUNDING[parts[0]]
    mode = next((part for part in parts if part in ("rz", "rm", "rp")), "rn")
    expected = modified(lambda *values: function(*values, form, mode), parts, form)
    return Row((kind,) * OPERANDS.get(parts[0], 2), (kind,), expected)


@rows("{abs,neg}{,.ftz}.f32", "{abs,neg}.f64")
def _(parts):
    kind, form = parts[-1], FORMATS[parts[-1]]
    function = math.fabs if parts[0] == "abs" else lambda a: -a
    return Row((kind,), (kind,), modified(function, parts, form))


@rows("{min,max}{,.ftz}{,.NaN}.f32", "{min,max}.f64")
def _(parts):
    kind, greatest, nan = parts[-1], parts[0] == "max", "NaN" in parts
    expected = modified(
        lambda a, b: floating.extreme(a, b, greatest, nan), parts, FORMATS[parts[-1]]
    )
    return Row((kind, kind), (kind,), expected)


@rows("copysign.{f32,f64}")
def _(parts):
    return Row((parts[-1],) * 2, (parts[-1],), lambda a, b: math.copysign(b, a))


TESTS = {
    "finite": math.isfinite,
    "infinite": math.isinf,
    "notanumber": math.isnan,
    "number": lambda a: not math.isnan(a),
}


@rows("testp.{finite,infinite,notanumber,number,normal,subnormal}.{f32,f64}")
def _(parts):
    least = smallest_normal(FORMATS[parts[-1]])
    tests = TESTS | {
        "normal": lambda a: math.isfinite(a) and abs(a) >= least,
        "subnormal": lambda a: 0 < abs(a) < least,
    }
    return Row((parts[-1],), ("pred",), tests[parts[1]])


COMPARISONS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a < b or a > b,  # false for a NaN
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "num": lambda a, b: not (math.isnan(a) or math.isnan(b)),
    "nan": lambda a, b: math.isnan(a) or math.isnan(b),
}
COMPARISONS |= {"lo": COMPARISONS["lt"], "ls": COMPARISONS["le"]}
COMPARISONS |= {"hi": COMPARISONS["gt"], "hs": COMPARISONS["ge"]}
UNORDERED = ("equ", "neu", "ltu", "leu", "gtu", "geu")
JOINS = {
    "and": lambda a, c: a and c,
    "or": lambda a, c: a or c,
    "xor": lambda a, c: a != c,
}


def comparison(name, kind, flush):
    form = FORMATS.get(kind)

    def expected(a, b):
        if flush:
            a, b = floating.flush(a, form), floating.flush(b, form)
        if name in UNORDERED:
            return COMPARISONS["nan"](a, b) or COMPARISONS[name[:2]](a, b)
        return COMPARISONS[name](a, b)

    return expected


@rows(
    "setp.{eq,ne}{,.and,.or,.xor}.{b16,b32,b64}",
    "setp.{eq,ne,lt,le,gt,ge}{,.and,.or,.xor}.{u16,s16,u32,s32,u64,s64}",
    "setp.{lo,ls,hi,hs}{,.and,.or,.xor}.{u16,u32,u64}",
    "setp.{eq,ne,lt,le,gt,ge,equ,neu,ltu,leu,gtu,geu,num,nan}{,.and,.or,.xor}{,.ftz}.f32",
    "setp.{eq,ne,lt,le,gt,ge,equ,neu,ltu,leu,gtu,geu,num,nan}{,.and,.or,.xor}.f64",
)
def _(parts):
    kind, join = parts[-1], next((JOINS[part] for part in parts[2:] if part in JOINS), None)
    compare = comparison(parts[1], kind, "ftz" in parts)
    if not join:
        both = "{d}|{e}, {0}, {1}"
        return Row(
            (kind, kind), ("pred", "pred"), lambda a, b: (compare(a, b), not compare(a, b)), both
        )

    def expected(a, b, c):
        found = compare(a, b)
        return join(found, not c), join(not found, not c)

    form = "{d}|{e}, {0}, {1}, !{2}"
    return Row((kind, kind, "pred"), ("pred", "pred"), expected, form, False)


@rows("selp.{b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}")
def _(parts):
    kind = parts[-1]
    return Row((kind, kind, "pred"), (kind,), lambda a, b, p: a if p else b, immediate=False)


@rows("slct.{b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}.{s32,f32}", "slct.ftz.{b32,f32}.f32")
def _(parts):
    *_, kind, by = parts
    return Row((kind, kind, by), (kind,), lambda a, b, c: a if c >= 0 else b)


def within(exact, bound):
    """Return an expectation: a result no further from an exact one than its bound."""

    def allowed(found):
        if math.isnan(exact):
            return math.isnan(found)
        if math.isinf(exact) or not bound:
            return bits_of(found, "f64") == bits_of(exact, "f64")
        return abs(found - exact) <= bound

    return allowed
