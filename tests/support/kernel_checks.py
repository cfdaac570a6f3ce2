"""What the tests of CPU kernels share: running a kernel, and comparing with the exact result.

Sizes in these tests are odd and parameters large, so that every term of a formula shows.
"""

import numpy as np
import pytest

TYPES = [np.float64, np.float32]
CASES = [1, 7, 32, 33]
RANDOM = np.array([11, 22, 3, 44, 5, 0], np.uint32)

both_types = pytest.mark.parametrize("real", TYPES)
all_cases = pytest.mark.parametrize("cases", CASES)


def call(function, *args):
    """Run a kernel with scratch memory that is full of NaN."""
    if function.scratch_size is None:
        return function(*args)
    size = function.scratch_size(*args)
    whole = np.full(size + 64, 255, np.uint8)
    start = -whole.ctypes.data % 64
    return function(*args, scratch=whole[start : start + size])


def close(got, expected, factor=1.0):
    tolerance = factor * (1e-12 if got.dtype == np.float64 else 1e-5)
    expected = np.asarray(expected)
    assert got.shape == expected.shape
    largest = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * largest)


def nan(like):
    return np.full_like(like, np.nan)


def check_gradient(run, expected, real):
    """run(dx, accumulate) must overwrite and accumulate."""
    dx = np.full(expected.shape, np.nan, real)
    run(dx, False)
    close(dx, expected)
    old = np.linspace(-1, 1, expected.size, dtype=real).reshape(expected.shape)
    dx = old.copy()
    run(dx, True)
    close(dx, expected + old)


def check_slope(function, gradient, x, dy, step=1e-5):
    """The gradient of <function(x), dy> along a random direction, by central differences."""
    v = np.random.default_rng(9).standard_normal(x.shape)
    numeric = ((function(x + step * v) - function(x - step * v)) * dy).sum() / (2 * step)
    exact = (gradient * v).sum()
    assert abs(numeric - exact) < 1e-6 * max(1.0, abs(exact))


def normal(seed, shape, real=np.float64):
    """Numbers that both types hold exactly."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32).astype(real)


def as_type(real, *arrays):
    return [a.astype(real) for a in arrays]
