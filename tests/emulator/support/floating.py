"""IEEE 754's operations on Python numbers by exact fractions; PTX's rules for NaN and zeros."""

import math
from fractions import Fraction

from tests.emulator.support.rounding import Format, rounded, smallest_normal

NAN = math.nan


def negative(value: float) -> bool:
    return math.copysign(1, value) < 0


def add(a: float, b: float, form: Format, mode: str = "rn") -> float:
    if math.isnan(a) or math.isnan(b):
        return NAN
    if math.isinf(a) or math.isinf(b):
        opposite = math.isinf(a) and math.isinf(b) and a != b
        return NAN if opposite else (a if math.isinf(a) else b)
    zero = -0.0 if mode == "rm" else 0.0
    if not a and not b and negative(a) == negative(b):
        zero = a
    return rounded(Fraction(a) + Fraction(b), form, mode, zero)


def multiply(a: float, b: float, form: Format, mode: str = "rn") -> float:
    if math.isnan(a) or math.isnan(b):
        return NAN
    zero = -0.0 if negative(a) != negative(b) else 0.0
    if math.isinf(a) or math.isinf(b):
        return NAN if not a or not b else math.copysign(math.inf, zero)
    return rounded(Fraction(a) * Fraction(b), form, mode, zero)


def fma(a: float, b: float, c: float, form: Format, mode: str = "rn") -> float:
    if math.isnan(c) or not all(map(math.isfinite, (a, b))):
        return add(multiply(a, b, form), c, form)
    if math.isinf(c):
        return c
    product = Fraction(a) * Fraction(b)
    product_negative = negative(a) != negative(b)
    zero = -0.0 if mode == "rm" else 0.0
    if not product and not c and product_negative == negative(c):
        zero = c
    return rounded(product + Fraction(c), form, mode, zero)


def divide(a: float, b: float, form: Format, mode: str = "rn") -> float:
    if math.isnan(a) or math.isnan(b) or (math.isinf(a) and math.isinf(b)) or (not a and not b):
        return NAN
    zero = -0.0 if negative(a) != negative(b) else 0.0
    if math.isinf(a) or not b:
        return math.copysign(math.inf, zero)
    if math.isinf(b):
        return zero
    return rounded(Fraction(a) / Fraction(b), form, mode, zero)


def root(a: float, form: Format, mode: str = "rn") -> float:
    """The square root: the integer one of far more bits than a format has, and a sticky bit."""
    if math.isnan(a) or a < 0:
        return NAN
    if not a or math.isinf(a):
        return a
    value, scale = Fraction(a), 1 << 1200  # an even power: scale is the square of 2^600
    scaled = value * scale
    whole = math.isqrt(scaled.numerator // scaled.denominator << 400)
    exact = Fraction(whole * whole) == scaled * (1 << 400)
    return rounded(Fraction(2 * whole + (not exact), 1 << 801), form, mode)


def flush(value: float, form: Format) -> float:
    return math.copysign(0.0, value) if abs(value) < smallest_normal(form) else value


def saturate(value: float) -> float:
    return min(value, 1.0) if value > 0 else 0.0


def extreme(a: float, b: float, greatest: bool, nan: bool) -> float:
    if math.isnan(a) or math.isnan(b):
        return NAN if nan or (math.isnan(a) and math.isnan(b)) else (b if math.isnan(a) else a)

    def order(value: float) -> tuple[float, bool]:
        return value, not negative(value)

    return max(a, b, key=order) if greatest else min(a, b, key=order)
