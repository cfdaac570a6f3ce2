"""The CPU pooling kernels, against loops over windows and tied pixels."""

import numpy as np
import pytest

from convnet.backends.cpu.engine import aligned
from convnet.backends.cpu.ops import pool
from convnet.compiling.nontemporal import STREAM_BYTES
from tests.support.kernel_checks import (
    all_cases,
    both_types,
    call,
    check_derivative,
    check_gradient,
    close,
    nan,
    normal,
)

POOLS = [  # side, size, stride, start
    (7, 3, 2, 0),
    (8, 3, 2, 0),  # overhangs
    (7, 3, 2, -1),
    (6, 2, 2, 0),
    (7, 4, 3, -2),
    (5, 5, 5, 0),
    (6, 3, 1, -1),
    (4, 1, 1, 0),
    (9, 3, 2, 2),
    (3, 5, 4, -1),  # windows larger than the image
]


def windows(side, size, stride, start):
    outputs = -(-(side - start - size) // stride) + 1
    edges = [(start + o * stride, start + o * stride + size) for o in range(outputs)]
    return [slice(max(a, 0), min(b, side)) for a, b in edges]


def pool_reference(x, kind, *geometry):
    spans = windows(x.shape[1], *geometry)
    y = np.empty((x.shape[0], len(spans), len(spans), x.shape[3]))
    for oi, rows in enumerate(spans):
        for oj, columns in enumerate(spans):
            window = x[:, rows, columns].reshape(x.shape[0], -1, x.shape[3])
            y[:, oi, oj] = pool_window(window, kind)
    return y


def pool_window(window, kind):
    if kind == "maxabs":
        best = window[:, 0]
        for i in range(1, window.shape[1]):
            best = np.where(np.abs(window[:, i]) >= np.abs(best), window[:, i], best)
        return best
    return {"max": np.max, "avg": np.mean, "sum": np.sum}[kind](window, axis=1)


def pool_gradient(x, y, dy, kind, *geometry):
    spans = windows(x.shape[1], *geometry)
    dx = np.zeros_like(x)
    for oi, rows in enumerate(spans):
        for oj, columns in enumerate(spans):
            for i in range(rows.start, rows.stop):
                for j in range(columns.start, columns.stop):
                    if kind in ("max", "maxabs"):
                        share = x[:, i, j] == y[:, oi, oj]
                    else:
                        pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
                        share = 1 / pixels if kind == "avg" else 1
                    dx[:, i, j] += share * dy[:, oi, oj]
    return dx


@both_types
@pytest.mark.parametrize("kind", ["max", "avg", "sum", "maxabs"])
@pytest.mark.parametrize("geometry", POOLS)
@all_cases
def test_pool(real, kind, geometry, cases):
    side, *window = geometry
    x = np.round(2 * normal(1, (3, side, side, cases)))  # integers: many ties, of both signs
    expected = pool_reference(x, kind, *window)
    y = np.full(expected.shape, np.nan, real)
    call(pool.forward, x.astype(real), y, kind, *window)
    close(y, expected)
    dy = normal(2, expected.shape)
    gradient = pool_gradient(x, expected, dy, kind, *window)
    arrays = x.astype(real), expected.astype(real), dy.astype(real)
    if kind in ("max", "maxabs"):
        check_gradient(
            lambda dx, add: pool.backward(*arrays, dx, kind, *window, add), gradient, real
        )
    else:
        arrays = arrays[0], nan(arrays[1]), arrays[2]  # the output is not needed
        check_gradient(
            lambda dx, add: pool.backward(*arrays, dx, kind, *window, add), gradient, real
        )


@both_types
@pytest.mark.parametrize("cases", [64, 65])
def test_a_gradient_that_is_larger_than_the_caches(real, cases):
    """It is stored by streaming stores, but not in ragged rows.

    Pixels are in one, two or four windows, or in none.
    """
    side, window = 260, (3, 2, 2)
    x = np.round(2 * normal(3, (1, side, side, cases)))
    assert x.astype(real).nbytes >= STREAM_BYTES
    y = pool_reference(x, "max", *window)
    dy = normal(4, y.shape)
    dx = aligned(x.size, np.dtype(real)).reshape(x.shape)
    dx[...] = np.nan
    pool.backward(x.astype(real), y.astype(real), dy.astype(real), dx, "max", *window, False)
    close(dx, pool_gradient(x, y, dy, "max", *window))


def test_ties_of_opposite_sign():
    x = np.array([2.0, -2.0, 1.0, -1.0]).reshape(1, 2, 2, 1)
    y, dx = np.empty((1, 1, 1, 1)), np.empty_like(x)
    call(pool.forward, x, y, "maxabs", 2, 2, 0)
    assert y.item() == -2
    pool.backward(x, y, np.ones_like(y), dx, "maxabs", 2, 2, 0, False)
    np.testing.assert_array_equal(dx.ravel(), [0, 1, 0, 0])


@pytest.mark.parametrize("kind", ["max", "avg", "sum", "maxabs"])
def test_pool_derivative(kind):
    x = np.random.default_rng(3).permutation(2 * 7 * 7 * 5) - 243.3  # far from ties
    x = x.reshape(2, 7, 7, 5)
    shape = pool_reference(x, kind, 3, 2, -1).shape
    dy, y, dx = normal(4, shape), np.empty(shape), np.empty_like(x)

    def function(x):
        call(pool.forward, x, y, kind, 3, 2, -1)
        return y.copy()

    function(x)
    pool.backward(x, y, dy, dx, kind, 3, 2, -1, False)
    check_derivative(function, dx, x, dy)


@pytest.mark.parametrize("side", [2, 3, 4])
def test_pool_keeps_a_nan(side):
    for place in np.ndindex(side, side):
        x = normal(5, (1, side, side, 2))
        x[(0, *place, 0)] = np.nan
        for kind in ("max", "avg", "sum", "maxabs"):
            y = np.empty((1, 1, 1, 2))
            call(pool.forward, x, y, kind, side, side, 0)
            assert np.isnan(y[..., 0]).all() and not np.isnan(y[..., 1]).any()
