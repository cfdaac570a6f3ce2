"""Rounding of exact fractions to binary formats, by integers alone: the reference of all floats."""

import math
import struct
from fractions import Fraction
from typing import NamedTuple


class Format(NamedTuple):
    """precision: bits of the significand; least, most: exponents of the smallest normal number and
    of the largest one, as powers of two of the leading bit."""

    precision: int
    least: int
    most: int


F16 = Format(11, -14, 15)
BF16 = Format(8, -126, 127)
TF32 = Format(11, -126, 127)
F32 = Format(24, -126, 127)
F64 = Format(53, -1022, 1023)
FORMATS = {"f16": F16, "bf16": BF16, "tf32": TF32, "f32": F32, "f64": F64}


def rounded(value: Fraction, form: Format, mode: str = "rn", zero: float = 0.0) -> float:
    """Return the number of a format that a fraction is rounded to; zero: what 0 becomes.

    mode: "rn" nearest even, "rna" nearest, ties away from 0, "rz", "rm", "rp".
    """
    if not value:
        return zero
    sign, size = (-1, -value) if value < 0 else (1, value)
    exponent = max(_exponent(size), form.least) - form.precision + 1
    units = size / Fraction(2) ** exponent
    whole, rest = units.numerator // units.denominator, units % 1
    if _goes_up(whole, rest, sign, mode):
        whole += 1
    result = whole * Fraction(2) ** exponent
    if result >= Fraction(2) ** (form.most + 1):
        towards_zero = mode == "rz" or (mode == "rm" and sign > 0) or (mode == "rp" and sign < 0)
        return sign * (largest(form) if towards_zero else math.inf)
    return math.copysign(float(result), sign)


def _exponent(size: Fraction) -> int:
    """Return e with 2^e <= size < 2^(e + 1)."""
    found = size.numerator.bit_length() - size.denominator.bit_length()
    return found - (size < Fraction(2) ** found)


def _goes_up(whole: int, rest: Fraction, sign: int, mode: str) -> bool:
    half = Fraction(1, 2)
    if mode == "rn":
        return rest > half or (rest == half and whole % 2 == 1)
    if mode == "rna":
        return rest >= half
    return rest > 0 and ((mode == "rm" and sign < 0) or (mode == "rp" and sign > 0))


def largest(form: Format) -> float:
    return float((2 - Fraction(2) ** (1 - form.precision)) * Fraction(2) ** form.most)


def smallest_normal(form: Format) -> float:
    return float(Fraction(2) ** form.least)


def single(bits: int) -> float:
    """Return the float32 number of bits."""
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def double(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def bits_of(value: float, kind: str) -> int:
    """Return the bits of a number that is one of float16, float32 or float64."""
    codes = {"f16": "<e", "f32": "<f", "f64": "<d"}
    if math.isnan(value):
        return {"f16": 0x7FFF, "f32": 0x7FFFFFFF, "f64": 0x7FF8000000000000}[kind]
    return int.from_bytes(struct.pack(codes[kind], value), "little")
