"""Small arrays for tests of gradients, and the check by central differences."""

import math

import numpy as np

STEP = 1e-5


def image(rows):
    """One map and one case: (1, H, W, 1)."""
    return np.array(rows, np.float64)[None, :, :, None]


def column(values):
    """One value per row, one case."""
    return np.array(values, np.float64)[:, None]


def same(found, expected):
    found = np.asarray(found).squeeze()
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def distinct(rng, *shape):
    """Values in -1..1 no two of which are close, none near zero: no kinks, no ties."""
    size = math.prod(shape)
    return rng.permutation(np.linspace(-1, 1, 2 * size)[::2] + 0.1 / size).reshape(shape)


def check_gradient(function, x, dy, dx):
    """dx against central differences of sum(function(x) * dy), element by element."""
    assert dx.shape == x.shape
    for place in np.ndindex(x.shape):
        costs = []
        for step in (STEP, -STEP):
            moved = x.copy()
            moved[place] += step
            costs.append(np.sum(function(moved) * dy))
        assert abs((costs[0] - costs[1]) / (2 * STEP) - dx[place]) < 1e-6, place
