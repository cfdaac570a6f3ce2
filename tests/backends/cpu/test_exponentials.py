"""exp and tanh of the CPU kernels, against NumPy's in float64."""

import numpy as np
import pytest
from numba import prange

from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.kernels import exponentials

STEP = 2.0**-23  # of float32 numbers around 1


@parallel
def _exp(x, y):
    for n in prange(x.size):
        y[n] = exponentials.exp(x[n], x.itemsize)


@parallel
def _tanh(x, y):
    for n in prange(x.size):
        y[n] = exponentials.tanh(x[n], x.itemsize)


def of(kernel, x):
    y = np.full_like(x, np.nan)
    kernel(x, y)
    return y


def test_exp_of_float32():
    x = np.concatenate([np.linspace(-87.2, 88.2, 500_000), np.linspace(-1, 1, 100_001)])
    x = x.astype(np.float32)
    assert np.abs(of(_exp, x) / np.exp(x.astype(float)) - 1).max() < STEP


def test_tanh_of_float32_is_exact_near_zero_and_far_from_it():
    small = 10.0 ** np.linspace(-30, 0, 50_001)
    x = np.concatenate([small, -small, np.linspace(-12, 12, 300_000)]).astype(np.float32)
    found = of(_tanh, x)
    assert np.abs(found / np.tanh(x.astype(float)) - 1).max() < 2 * STEP
    assert np.abs(found).max() == 1


def test_nan_infinity_and_overflow():
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0] * 4, np.float32)
    expected = [np.nan, np.inf, 0, np.inf, 0, 1], [np.nan, 1, -1, 1, -1, 0]
    for kernel, row in zip((_exp, _tanh), expected, strict=True):
        np.testing.assert_array_equal(of(kernel, x), np.tile(row, 4).astype(np.float32))


@pytest.mark.parametrize(("kernel", "function"), [(_exp, np.exp), (_tanh, np.tanh)])
def test_float64_uses_the_math_library(kernel, function):
    x = np.linspace(-20, 20, 10_001)
    np.testing.assert_allclose(of(kernel, x), function(x), rtol=1e-15)
