"""The layers that the reference of predictions computes on whole images, beside the loops."""

import numpy as np
import pytest

import tests.support.reference as ref
from tests.support import slow_network
from tests.support.reference import predicting

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(("padding", "stride", "groups", "side"), [(0, 1, 1, 4), (2, 3, 2, 4)])
def test_conv(padding, stride, groups, side):
    x, w = RNG.standard_normal((4, 6, 6, 2)), RNG.standard_normal((4 // groups, 3, 3, 6))
    expected = ref.conv(x, w, padding, stride, groups, side)
    np.testing.assert_allclose(predicting.conv(x, w, 3, padding, stride, groups, side), expected)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(("size", "stride", "start"), [(3, 2, 0), (2, 2, -1)])
def test_pool(kind, size, stride, start):
    x = RNG.standard_normal((3, 6, 6, 2))
    expected = ref.pool(x, kind, size, stride, start, 3)
    np.testing.assert_allclose(predicting.pool(x, kind, size, stride, start, 3), expected)


@pytest.mark.parametrize("size", [4, 5])
def test_cmrnorm(size):
    x = RNG.standard_normal((7, 3, 3, 2))
    expected = ref.cmrnorm(x, size, 0.5, 0.75, 1.5, False)
    np.testing.assert_allclose(predicting.cmrnorm(x, size, 0.5, 0.75, 1.5), expected)


def test_fc():
    xs = [RNG.standard_normal((4, 3, 3, 2)), RNG.standard_normal((5, 1, 1, 2))]
    ws, b = [RNG.standard_normal((7, x[..., 0].size)) for x in xs], RNG.standard_normal(7)
    expected, _ = slow_network.LAYERS["fc"]
    function, _ = predicting.LAYERS["fc"]
    np.testing.assert_allclose(function(None, xs, ws, b), expected(None, xs, ws, b))


def test_positions():
    assert predicting.positions(256, 224, 1) == [(16, 16, False)]
    ten = predicting.positions(32, 24, 10)
    assert len(set(ten)) == 10
    assert ten[1] == (0, 8, False)
    assert ten[9] == (4, 4, True)
