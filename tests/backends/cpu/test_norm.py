"""The CPU response normalizations, against loops that follow the formulas literally."""

import numpy as np
import pytest

from convnet.backends.cpu.ops import cmrnorm, cnorm, rnorm
from tests.support.kernel_checks import (
    all_cases,
    as_type,
    both_types,
    call,
    check_derivative,
    check_gradient,
    close,
    nan,
    normal,
)

SCALE, K = 0.5, 1.5


def span(i, size, length, blocked=False):
    start = i // size * size if blocked else i - size // 2
    return slice(max(start, 0), min(start + size, length))


def channel_windows(channels, size, blocked):
    inside = np.zeros((channels, channels))
    for i in range(channels):
        inside[i, span(i, size, channels, blocked)] = 1
    return inside  # [i, j]: is j in the window of i


def square_sums(x, size):
    total = np.empty_like(x)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            rows, columns = span(i, size, x.shape[1]), span(j, size, x.shape[2])
            total[:, i, j] = x[:, rows, columns].sum(axis=(1, 2))
    return total


def transposed_square_sums(q, size):
    total = np.zeros_like(q)
    for i in range(q.shape[1]):
        for j in range(q.shape[2]):
            rows, columns = span(i, size, q.shape[1]), span(j, size, q.shape[2])
            total[:, rows, columns] += q[:, i : i + 1, j : j + 1]
    return total


def norm_gradient(factor, y, dy, d, power, transposed):
    return dy * d**-power - 2 * SCALE * power * factor * transposed(dy * y / d)


@both_types
@all_cases
@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("size, power", [(3, 0.75), (4, 0.6), (5, 0.5), (2, 1.0), (20, 0.75)])
def test_cmrnorm(real, cases, blocked, size, power):
    x, dy = normal(1, (11, 3, 5, cases)), normal(2, (11, 3, 5, cases))
    inside = channel_windows(11, size, blocked)
    d = K + SCALE * np.einsum("ij,jabn->iabn", inside, x**2)
    y = x * d**-power
    x_, dy_, y_ = as_type(real, x, dy, nan(x))
    call(cmrnorm.forward, x_, y_, None, size, SCALE, power, K, blocked)
    close(y_, y)
    dx = norm_gradient(x, y, dy, d, power, lambda q: np.einsum("ji,jabn->iabn", inside, q))
    arguments = size, SCALE, power, K, blocked
    check_gradient(
        lambda out, add: call(cmrnorm.backward, x_, y_, dy_, None, out, *arguments, add), dx, real
    )


def test_cmrnorm_of_many_blocks():
    """More columns than a block has, and threads with different numbers of blocks."""
    x, dy = normal(1, (6, 7, 11, 33)), normal(2, (6, 7, 11, 33))
    inside = channel_windows(6, 3, False)
    d = K + SCALE * np.einsum("ij,jabn->iabn", inside, x**2)
    y, dx, y_ = x * d**-0.75, np.empty_like(x), np.empty_like(x)
    call(cmrnorm.forward, x, y_, None, 3, SCALE, 0.75, K, False)
    close(y_, y)
    call(cmrnorm.backward, x, y, dy, None, dx, 3, SCALE, 0.75, K, False, False)
    close(dx, norm_gradient(x, y, dy, d, 0.75, lambda q: np.einsum("ji,jabn->iabn", inside, q)))


@both_types
@all_cases
@pytest.mark.parametrize("size, power", [(3, 0.75), (4, 0.6), (1, 0.5), (2, 1.0), (5, 0.75)])
@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 6, 5)])
def test_rnorm_and_cnorm(real, cases, size, power, shape):
    x, dy = normal(1, (*shape, cases)), normal(2, (*shape, cases))
    dx_terms = lambda q: transposed_square_sums(q, size)  # noqa: E731
    x_, dy_, y_, d_, m_ = as_type(real, x, dy, nan(x), nan(x), nan(x))

    d = K + SCALE * square_sums(x**2, size)
    y = x * d**-power
    rnorm.forward(x_, y_, d_, size, SCALE, power, K)
    close(d_, d)
    close(y_, y)
    dx = norm_gradient(x, y, dy, d, power, dx_terms)
    arguments = size, SCALE, power
    check_gradient(
        lambda out, add: call(rnorm.backward, x_, y_, dy_, d_, out, *arguments, add), dx, real
    )

    m = x - square_sums(x, size) / square_sums(np.ones_like(x), size)
    d = K + SCALE * square_sums(m**2, size)
    y = x * d**-power
    cnorm.forward(x_, y_, d_, m_, size, SCALE, power, K)
    close(m_, m)
    close(d_, d)
    close(y_, y)
    dx = norm_gradient(m, y, dy, d, power, dx_terms)
    check_gradient(
        lambda out, add: call(cnorm.backward, m_, y_, dy_, d_, out, *arguments, add), dx, real
    )


@pytest.mark.parametrize("size", [3, 4])
def test_norm_derivatives(size):
    x, dy = normal(5, (7, 5, 5, 3)), normal(6, (7, 5, 5, 3))
    y, d, dx = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    for blocked in (False, True):

        def across_channels(x, blocked=blocked):
            call(cmrnorm.forward, x, y, None, size, SCALE, 0.75, K, blocked)
            return y.copy()

        across_channels(x)
        call(cmrnorm.backward, x, y, dy, None, dx, size, SCALE, 0.75, K, blocked, False)
        check_derivative(across_channels, dx, x, dy)

    def across_pixels(x):
        rnorm.forward(x, y, d, size, SCALE, 0.6, K)
        return y.copy()

    across_pixels(x)
    call(rnorm.backward, x, y, dy, d, dx, size, SCALE, 0.6, False)
    check_derivative(across_pixels, dx, x, dy)
