"""Rows of approximate instructions: exact values and the bounds of the PTX manual, 9.7.3."""

import math
from fractions import Fraction

from tests.emulator.support import floating
from tests.emulator.support.rounding import F32, F64, double, rounded
from tests.emulator.support.rows import Row, rows

SLACK = 1 + 1e-7  # the exact values are float64's


def ulp(value):
    """Return the distance of float32 numbers at a value."""
    if not math.isfinite(value) or not value:
        return 0.0
    return 2.0 ** max(math.frexp(value)[1] - 24, -149)


def within(exact, bound):
    """Return an expectation: a float32 no further from an exact value than a bound."""
    nearest = floating_nearest(exact)

    def allowed(found):
        if math.isnan(exact):
            return math.isnan(found)
        if math.isinf(nearest) or not bound:
            return found == nearest and floating.negative(found) == floating.negative(nearest)
        return abs(found - exact) <= bound * SLACK

    return allowed


def floating_nearest(exact):
    if not math.isfinite(exact):
        return exact
    return rounded(Fraction(exact), F32, "rn", exact)


def guarded(function):
    """Return a function with infinities and NaN where Python's raises errors."""

    def call(*values):
        try:
            return function(*values)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return call


def logarithm(a):
    return -math.inf if a == 0 else math.log2(a)


def reciprocal(a):
    return math.copysign(math.inf, a) if a == 0 else 1 / a


def trigonometric_bound(exact, a):
    return 2**-20.5 if abs(a) <= 2 * math.pi else 2**-14.7


FUNCTIONS = {
    "rcp": (reciprocal, lambda exact, a: ulp(exact)),
    "sqrt": (math.sqrt, lambda exact, a: exact * 2**-23),
    "rsqrt": (lambda a: reciprocal(math.sqrt(a)), lambda exact, a: exact * 2**-22.9),
    "sin": (math.sin, trigonometric_bound),
    "cos": (math.cos, trigonometric_bound),
    "lg2": (logarithm, lambda exact, a: 2**-22 if 0.5 < a < 2 else abs(exact) * 2**-22),
    "ex2": (lambda a: 2.0**a, lambda exact, a: min(2 * ulp(floating_nearest(exact)), exact)),
    "tanh": (math.tanh, lambda exact, a: abs(exact) * 2**-11),
}


@rows("{rcp,sqrt,rsqrt,sin,cos,lg2,ex2}.approx{,.ftz}.f32", "tanh.approx.f32")
def _(parts):
    function, bound = FUNCTIONS[parts[0]]
    function, flush = guarded(function), "ftz" in parts

    def expected(a):
        a = floating.flush(a, F32) if flush else a
        exact = function(a)
        error = bound(exact, a) if math.isfinite(exact) and a else 0.0
        if parts[0] == "ex2" and math.isfinite(exact):
            exact = floating_nearest(exact)
        flushed = floating.flush(floating_nearest(exact), F32) if flush else exact
        near = within(exact, error if math.isfinite(exact) else 0.0)
        zero = within(flushed, 0.0)
        tiny = flush and abs(exact) < 2.0**-125
        return (lambda found: near(found) or zero(found) or found == 0) if tiny else near

    return Row(("f32",), ("f32",), expected)


@rows("div.{approx,full}{,.ftz}.f32")
def _(parts):
    flush, full = "ftz" in parts, parts[1] == "full"

    def expected(a, b):
        if flush:
            a, b = floating.flush(a, F32), floating.flush(b, F32)
        exact = floating.divide(a, b, F64)
        near = within(exact, 2 * ulp(exact) if a else 0.0)
        if not full and 2.0**126 < abs(b) < math.inf:
            zero = math.copysign(0.0, a) * math.copysign(1.0, b)
            return within(math.nan if math.isinf(a) or math.isnan(a) else zero, 0.0)
        if not full and 0 < abs(b) < 2.0**-126:  # nothing is promised but a NaN's place
            return lambda found: math.isnan(found) or not math.isnan(exact)
        if flush and abs(exact) < 2.0**-125:
            return lambda found: near(found) or found == 0
        return near

    return Row(("f32", "f32"), ("f32",), expected)


@rows("rcp.approx.ftz.f64")
def _(parts):
    def expected(a):
        bits = Fraction(a) if math.isfinite(a) else None
        if math.isnan(a):
            return math.isnan
        if bits is None:
            return within(math.copysign(0.0, a), 0.0)
        upper = floating.flush(double(_upper(a)), F64)
        if not upper:
            return within(math.copysign(math.inf, a), 0.0)
        exact = 1 / Fraction(upper)

        def allowed(found):
            if _bits(found) & 0xFFFFFFFF:
                return False
            if abs(exact) < Fraction(2) ** -1021:
                return found == 0 or abs(Fraction(found) - exact) <= abs(exact) / 2**20
            return abs(Fraction(found) - exact) <= abs(exact) / 2**20

        return allowed

    return Row(("f64",), ("f64",), expected)


def _bits(value):
    import struct

    return int.from_bytes(struct.pack("<d", value), "little")


def _upper(value):
    return _bits(value) & 0xFFFFFFFF00000000
