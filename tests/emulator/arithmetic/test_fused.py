"""fma rounds once: against fractions, at sums that are hard to round."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.arithmetic import functions
from tests.emulator.support import floating
from tests.emulator.support.rounding import F32, F64, bits_of

FUNCTIONS = functions()
singles = st.floats(width=32)
doubles = st.floats()


def values(*numbers, dtype):
    return [np.array([number], dtype) for number in numbers]


def check(a, b, c, kind, form):
    dtype = np.float32 if kind == "f32" else np.float64
    with np.errstate(all="ignore"):
        found = FUNCTIONS["fma"](*values(a, b, c, dtype=dtype))[0].item()
    assert bits_of(found, kind) == bits_of(floating.fma(a, b, c, form), kind), (a, b, c)


@given(singles, singles, singles)
@settings(max_examples=400, deadline=None)
def test_singles(a, b, c):
    check(a, b, c, "f32", F32)


@given(doubles, doubles, doubles)
@settings(max_examples=400, deadline=None)
def test_doubles(a, b, c):
    check(a, b, c, "f64", F64)


def significand(bits):
    return st.integers(1 << bits - 1, (1 << bits) - 1)


@given(significand(24), significand(24), st.integers(-160, 60), st.integers(-3, 3))
@settings(max_examples=600, deadline=None)
def test_singles_next_to_the_middle_of_two_numbers(a, b, scale, nudge):
    """The product lies at, or a part in 2^24 of an ulp beside, half an ulp of the sum.

    Rounded first to float64, such sums become the middle itself and then go the wrong way.
    """
    product = a * b + nudge
    third = Fraction(product) * 2**24 * 2  # the product is about half its last place
    exponent = third.numerator.bit_length() - 24
    c = float(int(third) >> exponent << exponent)
    check_scaled(a, b, c, scale, "f32", F32)


@given(significand(53), significand(53), st.integers(-1100, 100))
@settings(max_examples=600, deadline=None)
def test_doubles_next_to_the_middle_of_two_numbers(a, b, scale):
    third = a * b * 2**53
    exponent = third.bit_length() - 53
    check_scaled(a, b, float(third >> exponent << exponent), scale, "f64", F64)


def check_scaled(a, b, c, scale, kind, form):
    """Check a * b + c times a power of two, as far as the operands can be represented."""
    with np.errstate(all="ignore"):
        dtype = np.float32 if kind == "f32" else np.float64
        first = dtype(np.ldexp(dtype(a), scale)).item()
        third = dtype(np.ldexp(np.float64(c), scale)).item()
    for sign in (1, -1):
        check(first, float(b), sign * third, kind, form)


@pytest.mark.parametrize("mode", ["rz", "rm", "rp"])
@given(singles, singles, singles)
@settings(max_examples=200, deadline=None)
def test_directed_rounding(mode, a, b, c):
    with np.errstate(all="ignore"):
        found = FUNCTIONS["fused"](*values(a, b, c, dtype=np.float32), mode)[0].item()
    assert bits_of(found, "f32") == bits_of(floating.fma(a, b, c, F32, mode), "f32")


def test_a_sum_that_float64_rounds_twice():
    """(1 + 2^-23) + 2^-24 (1 - 2^-46) is just below the middle, to which float64 rounds it."""
    a, b, c = (np.float32(v) for v in (2**-24 * (1 + 2**-23), 1 - 2**-23, 1 + 2**-23))
    assert np.float32(np.float64(a) * np.float64(b) + np.float64(c)) == np.float32(1 + 2**-22)
    assert FUNCTIONS["fma"](a, b, c) == c
