"""Constraints on the norms of filters, against NumPy: rows of weights, and columns of several."""

import numpy as np
import pytest

from convnet.backends.cuda.ops import update
from tests.support.simulator.direct import run

SHAPES = [(9, 70, 1), (1, 45, 8), (2, 33, 19), (3, 1, 5)]  # blocks, weights of a filter, filters


def rescaled(w3, low, high, centered):
    mean = w3.mean(1, keepdims=True) if centered else 0.0
    size = np.sqrt(((w3 - mean) ** 2).sum(1, keepdims=True))
    size = size / w3.shape[1] if centered else size
    bounded = np.clip(size, low, high or np.inf)
    return w3 * np.divide(bounded, size, out=np.ones_like(size), where=size > 0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("function", "numbers", "limits", "centered"),
    [
        (update.weight_ball, (3.0, False), (0.0, 3.0), False),
        (update.weight_ball, (3.0, True), (3.0, 3.0), False),
        (update.contrast, (0.05, 0.1), (0.05, 0.1), True),
    ],
)
def test_constraints(shape, function, numbers, limits, centered):
    rng = np.random.default_rng(3)
    w3 = rng.standard_normal(shape) * np.linspace(0.1, 1.5, shape[0] * shape[2]).reshape(
        shape[0], 1, shape[2]
    )
    w3[0, :, 0] = 0  # stays
    (found,), _ = run(function, (w3.astype(np.float32), *numbers))
    expected = rescaled(w3, *limits, centered)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)
