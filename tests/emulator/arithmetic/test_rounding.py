"""Directed rounding of sums of two doubles, against fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.arithmetic.rounding import directed, narrowed, two_sum
from tests.emulator.support.rounding import F32, bits_of, rounded

wide = st.floats(-1e38, 1e38)


@given(wide, wide)
@settings(max_examples=500, deadline=None)
def test_a_sum_and_its_error_are_exact(a, b):
    high, low = two_sum(np.float64(a), np.float64(b))
    assert Fraction(float(high)) + Fraction(float(low)) == Fraction(a) + Fraction(b)


@pytest.mark.parametrize("mode", ["rz", "rm", "rp"])
@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False), st.floats(-1, 1), st.floats(-1, 1)
)
@settings(max_examples=500, deadline=None)
def test_sums_next_to_a_number_of_float32(mode, number, nudge, further):
    """Beside a float32, by less than half an ulp of float64 and by nothing."""
    for low in (nudge * np.spacing(number) / 2, further * 1e-320, 0.0):
        low = float(low) if abs(low) < abs(number) else 0.0
        exact = Fraction(number) + Fraction(low)
        with np.errstate(over="ignore"):
            found = narrowed(np.array([number]), np.array([low]), mode)[0].item()
        assert bits_of(found, "f32") == bits_of(rounded(exact, F32, mode, number), "f32")


def test_an_unknown_mode_is_an_error():
    with pytest.raises(ValueError, match="rounding mode 'rq'"):
        directed(np.zeros(1), np.zeros(1), "rq")
