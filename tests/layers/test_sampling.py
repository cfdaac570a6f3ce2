"""Layers that draw places or pixels, in training: rscale and random pooling."""

import numba
import numpy as np
import pytest

import tests.support.reference as ref
from convnet.backends.cpu.ops import pool_random
from tests.support.rows import Row, network_of
from tests.support.slow_images import random_words

SIDE = 9
SCALED = [
    Row("smallest", "y type=rscale inputs=x channels=2 maxScale=1.5 tgtSize=6"),
    Row("larger", "y type=rscale inputs=x channels=2 maxScale=1.5 tgtSize=8"),
    Row("widest", "y type=rscale inputs=x channels=2 maxScale=2 tgtSize=4"),
    Row("no scaling", "y type=rscale inputs=x channels=2 maxScale=1 tgtSize=9"),
    Row("2012 source", "y type=rscale inputs=x channels=2 maxScale=1.3 tgtSize=7 gpu=0"),
    Row("cuda-convnet 1", "y type=rscale inputs=x channels=2 maxScale=1.4\nc type=conv inputs=y "
        "channels=2 filters=2 filterSize=3 partialSum=1"),  # fmt: skip
]  # fmt: skip
DRAWN = Row("drawn", "y type=pool pool=rand inputs=x channels=2 sizeX=3 stride=2 start=-1")


def over(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def trained(row, cases, real=np.float64, seed=0, steps=1, values="smooth"):
    row = Row(row.name, row.layers, row.params, ((2, SIDE, SIDE),), values=values)
    network = network_of(row, real, cases=cases)
    network.seed = seed
    for _ in range(steps):
        network.run("train")
    return network, row.matrices(cases)[0].reshape(2, SIDE, SIDE, cases)


def words(name="y", seed=0, step=0):
    return random_words(name, seed, step, training=True)


@over(SCALED)
@pytest.mark.parametrize("real", [np.float64, np.float32])
@pytest.mark.parametrize("seed, steps", [(0, 1), (3 << 32 | 7, 3)])
def test_rscale_in_training(row, real, seed, steps):
    network, x = trained(row, 33, real, seed, steps)
    layer = network.graph.node("y").layer
    side = layer.outputs_side
    expected = ref.rscale(x, layer.max_scale, side, words(seed=seed, step=steps - 1))
    tolerance = 1e-12 if real is np.float64 else 1e-5
    np.testing.assert_allclose(network.output("y"), expected, rtol=tolerance, atol=tolerance)


def test_rscale_moves_all_channels_of_a_case_together():
    row = SCALED[2]
    network = network_of(Row(row.name, row.layers, shapes=((2, SIDE, SIDE),)), cases=50)
    ramp = np.broadcast_to(np.arange(SIDE)[:, None, None], (SIDE, SIDE, 50))
    network.load({0: np.stack([ramp, ramp]).reshape(-1, 50).astype(float)})
    network.run("train")
    y = network.output("y")
    np.testing.assert_array_equal(y[0], y[1])
    firsts = y[0, 0, 0]
    assert len(np.unique(firsts)) > 25  # each case has a scale and a place of its own


def test_rscale_draws_anew_at_each_step():
    first, second, other = (
        trained(SCALED[0], 20, **how)[0].output("y") for how in ({}, {"steps": 2}, {"seed": 1})
    )
    assert np.mean(first == second) < 0.3 and np.mean(first == other) < 0.3
    np.testing.assert_array_equal(first, trained(SCALED[0], 20)[0].output("y"))


@pytest.mark.parametrize("real", [np.float64, np.float32])
@pytest.mark.parametrize("cases", [1, 6, 33])
@pytest.mark.parametrize("values", ["positive", "apart"])
def test_random_pooling_in_training(real, cases, values):
    network, x = trained(DRAWN, cases, real, seed=5, steps=2, values=values)
    expected = ref.random_pool(x.astype(real), 3, 2, -1, 5, words(seed=5, step=1))
    np.testing.assert_array_equal(network.output("y"), expected.astype(real))


def test_random_pooling_draws_in_proportion():
    row = Row("four", "y type=pool pool=rand inputs=x channels=1 sizeX=2 stride=2", "",
              ((1, 2, 2),))  # fmt: skip
    network, cases = network_of(row, cases=8000), 8000
    network.load({0: np.repeat([[1.0], [0], [2], [5]], cases, axis=1)})
    network.run("test")  # no difference between training and testing
    y = network.output("y").ravel()
    shares = [np.mean(y == value) for value in (0, 1, 2, 5)]
    np.testing.assert_allclose(shares, [0, 1 / 8, 2 / 8, 5 / 8], atol=4 * 0.5 / cases**0.5)


def test_random_pooling_of_zeros_takes_the_first_pixel_and_shares_the_gradient():
    row = Row("zeros", "y type=pool pool=rand inputs=x channels=1 sizeX=2 stride=2", "",
              ((1, 2, 2),))  # fmt: skip
    network = network_of(row, cases=2)
    network.load({0: np.array([[0.0, -3], [0, -1], [0, -4], [0, -2]])})
    network.run("gradients")
    np.testing.assert_array_equal(network.output("y").ravel(), [0, -3])
    dx = network.data_gradient("x").reshape(4, 2)
    assert (dx[:, 0] == dx[0, 0]).all() and dx[0, 0] != 0  # four equal pixels, as for max
    assert dx[0, 1] != 0 and (dx[1:, 1] == 0).all()


def test_random_pooling_shows_what_is_not_finite():
    network = network_of(
        Row("nan", "y type=pool pool=rand inputs=x channels=1 sizeX=2 stride=2", "", ((1, 2, 2),)),
        cases=2,
    )
    network.load({0: np.array([[1.0, 1], [np.nan, 1], [2, np.inf], [3, 1]])})
    network.run("test")
    y = network.output("y").ravel()
    assert np.isnan(y[0]) and np.isinf(y[1])


@numba.njit
def pick(window, u):
    return pool_random.pick(window, 0, u)


@pytest.mark.parametrize("u, value", [(0.0, 1), (0.25, 3), (0.999, 3)])
def test_random_pooling_never_takes_a_zero(u, value):
    """Nor where u falls on the edge between two pixels."""
    window = np.array([0.0, 1, 0, 3]).reshape(2, 2, 1)
    assert pick(window, u) == value
