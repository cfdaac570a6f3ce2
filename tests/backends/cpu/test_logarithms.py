"""log and softplus of the CPU kernels, and selection without branches, against NumPy in float64."""

import numpy as np
import pytest
from numba import prange

from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.kernels import logarithms, selection

STEP = 2.0**-23  # of float32 numbers around 1


@parallel
def _log(x, y):
    for n in prange(x.size):
        y[n] = logarithms.log(x[n], x.itemsize)


@parallel
def _softplus(x, y):
    for n in prange(x.size):
        y[n] = logarithms.softplus32(x[n])


@parallel
def _larger(x, y):
    for n in prange(x.size):
        y[n] = selection.larger(x[n], y[n])


@parallel
def _smaller(x, y):
    for n in prange(x.size):
        y[n] = selection.smaller(x[n], y[n])


def of(kernel, x):
    y = np.full_like(x, np.nan)
    kernel(x, y)
    return y


def test_log_of_float32():
    x = np.concatenate([10.0 ** np.linspace(-44, 38, 500_000), np.linspace(0.5, 2, 300_001)])
    x = x.astype(np.float32)
    expected = np.log(x.astype(float))
    error = np.abs(of(_log, x) - expected)
    assert (error <= 2 * STEP * np.abs(expected)).all()


def test_softplus_keeps_small_values():
    x = np.concatenate([np.linspace(-87, 88, 500_000), np.linspace(-1, 1, 100_001)])
    x = x.astype(np.float32)
    expected = np.log1p(np.exp(x.astype(float)))
    assert np.abs(of(_softplus, x) / expected - 1).max() < 3 * STEP


def test_nan_infinity_zero_and_negative_numbers():
    x = np.array([np.nan, np.inf, 0.0, -0.0, -1.0, -np.inf, 1.0] * 4, np.float32)
    expected = [np.nan, np.inf, -np.inf, -np.inf, np.nan, np.nan, 0.0]
    np.testing.assert_array_equal(of(_log, x), np.tile(expected, 4).astype(np.float32))
    assert np.isnan(of(_softplus, np.full(20, np.nan, np.float32))).all()


def test_log_of_float64_uses_the_math_library():
    x = 10.0 ** np.linspace(-300, 300, 10_001)
    np.testing.assert_allclose(of(_log, x), np.log(x), rtol=1e-15)


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize(("kernel", "function"), [(_larger, np.maximum), (_smaller, np.minimum)])
def test_a_nan_on_either_side_remains(real, kernel, function):
    numbers = np.array([-1, 0, 2.5, np.inf, -np.inf, np.nan], real)
    x, y = (grid.ravel().copy() for grid in np.meshgrid(numbers, numbers))
    expected = function(x, y)
    kernel(x, y)
    np.testing.assert_array_equal(y, expected)
