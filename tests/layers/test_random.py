"""Dropout in training, and the noisy neuron: masks, noise, and when they are drawn anew."""

import numpy as np
import pytest

from tests.support.rows import Row, network_of

KEEP = 0.3
CASES = 400
MASKED = [
    Row("hs", f"y type=hs inputs=x keep={KEEP}", "y enable=true"),
    Row("dropout2", "y type=dropout2 inputs=x", f"y keep={KEEP}"),
    Row("dropout", "y type=dropout inputs=x", f"y keep={KEEP}"),
    Row("dropout key", "y type=eltsum inputs=x", f"y dropout={1 - KEEP}"),
    Row("dropout key and neuron", "y type=eltsum inputs=x neuron=square", f"y dropout={1 - KEEP}"),
]
PLAIN = MASKED[:-1]


def over(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def trained(row, real=np.float64, seed=0, steps=1):
    """The row's network after training steps at rate 0, on data without zeros."""
    network = network_of(row, real, cases=CASES)
    network.seed = seed
    network.load({0: data(row)})
    for _ in range(steps):
        network.run("train")
    return network


def data(row):
    x = row.matrices(CASES)[0]
    return np.where(abs(x) < 0.1, 0.5, x)


def factor(row):
    return 1 / KEEP if row.name == "dropout" else 1.0


@over(MASKED)
def test_values_are_dropped_or_whole(row):
    x = data(row)
    y = trained(row).output("y").reshape(x.shape)
    whole = factor(row) * x
    whole = whole**2 if "neuron" in row.name else whole
    kept = y != 0
    np.testing.assert_allclose(y, np.where(kept, whole, 0), rtol=1e-12)
    spread = (KEEP * (1 - KEEP) / kept.size) ** 0.5
    assert abs(kept.mean() - KEEP) < 4 * spread
    assert abs(kept.mean(axis=0) - KEEP).max() < 0.25  # 100 values in each case
    assert abs(kept.mean(axis=1) - KEEP).max() < 0.12  # 400 in each row


@over(PLAIN)
def test_backward_uses_the_same_mask(row):
    network = trained(row)
    y = network.output("y").reshape(-1, CASES)
    w, b = (network.read(network.parameters[f"readout.{n}"]) for n in ("weights.0", "biases"))
    coeff = network.graph.node("total").layer.coeff
    dy = w.T @ (2 * coeff * (w @ y + b[:, None]))
    assert (dy != 0).all()
    dx = network.data_gradient("x").reshape(dy.shape)
    np.testing.assert_allclose(dx, factor(row) * (y != 0) * dy, rtol=1e-10)


@over(MASKED)
def test_masks_depend_on_seed_and_step_alone(row):
    first = trained(row).output("y")
    np.testing.assert_array_equal(first, trained(row).output("y"))
    kept = first != 0
    np.testing.assert_array_equal(kept, trained(row, np.float32).output("y") != 0)
    for other in (trained(row, steps=2), trained(row, seed=1), trained(row, seed=1 << 40)):
        same = np.mean((other.output("y") != 0) == kept)
        assert abs(same - (KEEP**2 + (1 - KEEP) ** 2)) < 0.03  # as of independent draws


def test_two_layers_have_masks_of_their_own():
    layers = "y type=dropout2 inputs=x\nz type=dropout2 inputs=x\ns type=eltsum inputs=y,z"
    row = Row("two", layers, "y keep=0.5\nz keep=0.5")
    network = trained(row)
    same = np.mean((network.output("y") == 0) == (network.output("z") == 0))
    assert abs(same - 0.5) < 0.03


@pytest.mark.parametrize("kind", ["hs", "dropout2"])
def test_disabled_multiplies_by_keep_in_training_too(kind):
    in_layers, in_params = (f"keep={KEEP}", "") if kind == "hs" else ("", f"keep={KEEP}")
    row = Row(
        "off", f"y type={kind} inputs=x {in_layers}".strip(), f"y enable=false {in_params}".strip()
    )
    network = trained(row)
    np.testing.assert_allclose(network.output("y").reshape(-1, CASES), KEEP * data(row), rtol=1e-12)


def test_keeping_all_drops_nothing():
    row = Row("all", "y type=dropout2 inputs=x", "y keep=1")
    np.testing.assert_array_equal(trained(row).output("y").reshape(-1, CASES), data(row))


NOISY = Row("nrelu", "y type=neuron inputs=x neuron=nrelu", shapes=((50,),))


def noisy(value, program="train", steps=1):
    network = network_of(NOISY, cases=CASES)
    network.load({0: np.full((50, CASES), float(value))})
    for _ in range(steps):
        network.run(program)
    return network.output("y")[:, 0, 0]


@pytest.mark.parametrize("program", ["train", "test"])
def test_nrelu_adds_noise_of_variance_r(program):
    """y = max(0, r + N(0,1) sqrt(r)): at r = 16 hardly anything is cut off."""
    y = noisy(16, program)
    spread = 4 / y.size**0.5
    assert abs(y.mean() - 16) < 4 * spread
    assert abs(y.std() - 4) < 4 * spread
    lags = np.corrcoef(y.ravel()[:-1], y.ravel()[1:])[0, 1]
    assert abs(lags) < 4 / y.size**0.5


def test_nrelu_cuts_off_at_zero():
    y = noisy(1)
    assert y.min() == 0
    share = np.mean(y == 0)  # of N(0,1) below -1
    assert abs(share - 0.158655) < 4 * (0.16 * 0.84 / y.size) ** 0.5
    assert (noisy(-3) == 0).all() and (noisy(0) == 0).all()


def test_nrelu_draws_anew_at_each_step():
    once = noisy(4)
    np.testing.assert_array_equal(once, noisy(4))
    assert np.mean(once == noisy(4, steps=2)) < 0.1


def test_nrelu_gradient_is_that_of_positive_outputs():
    network = network_of(NOISY, cases=CASES)
    network.load({0: np.ones((50, CASES))})
    network.run("gradients")
    y = network.output("y")[:, 0, 0]
    dx = network.data_gradient("x")[:, 0, 0]
    assert (dx[y == 0] == 0).all() and (dx[y > 0] != 0).all() and (y == 0).any()
