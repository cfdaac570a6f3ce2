"""Costs beyond the table of cases: what is fused, what is shown, and extreme values."""

import math

import numpy as np
import pytest

import tests.support.reference as ref
from convnet.network.cost_report import reported
from convnet.train.cost_average import Average, cost_layers
from tests.layers.test_layers import difference
from tests.support.cases import BY_NAME
from tests.support.rows import LABELS, TARGETS, Row, network_of

SIX = ((6,),)
SQUASHED = {
    "softmax": "l type=softmax inputs=x\n",
    "logistic": "l type=neuron inputs=x neuron=logistic\n",
}


@pytest.mark.parametrize(
    "cost, squashing, fuses",
    [
        ("crossent", "softmax", True),
        ("crossent2", "logistic", True),
        ("bce", "logistic", True),
        ("dce", "logistic", True),
        ("crossent2", "softmax", False),
        ("bce", "softmax", False),
        ("rflickr", "logistic", False),
    ],
)
def test_what_is_differentiated_as_one(cost, squashing, fuses):
    """Only as its predictions, only by the one reader, and never where it is the target."""
    text = SQUASHED[squashing]
    alone = f"{text}y type=cost.{cost} inputs=targets,l"
    twice = f"{text}z type=cost.sum2 inputs=l\ny type=cost.{cost} inputs=targets,l"
    swapped = f"f {SQUASHED[squashing].split(' ', 1)[1]}{text}y type=cost.{cost} inputs=f,l"
    for layers, name, expected in (
        (alone, "l", fuses), (twice, "l", False), (swapped, "l", fuses), (swapped, "f", False)
    ):  # fmt: skip
        graph = network_of(Row("fused", layers, "", SIX)).graph
        assert graph.node(name).layer.fused == expected
        assert not expected or graph.node("y").layer.fused


def test_not_across_devices():
    layers = (
        "l type=neuron inputs=x neuron=logistic gpu=0\ny type=cost.crossent2 inputs=targets,l gpu=1"
    )
    graph = network_of(Row("two devices", layers, "", SIX)).graph
    assert not graph.node("l").layer.fused and not graph.node("y").layer.fused


@pytest.mark.parametrize("name", ["crossent: fused", "crossent2: a neuron layer", "bce: fused"])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_fused_gradients_stay_exact_where_probabilities_are_0_and_1(name, real):
    """dE/dx is bounded by the targets' sum, however wrong the answer."""
    network = network_of(BY_NAME[name], real)
    matrices = BY_NAME[name].matrices()
    matrices[0] = 200 * np.sign(matrices[0])
    network.load(matrices)
    network.run("gradients")
    dx = network.data_gradient("x")
    assert np.isfinite(dx).all() and 0.1 < np.abs(dx).max() < 10
    (costs,) = network.costs().values()
    assert np.isfinite(costs).all()


def test_a_nan_reaches_every_cost():
    names = ["crossent: fused", "crossent2: fused", "bce: fused", "dce: fused", "rflickr", "gsum2",
             "tica: odd", "msm: pairs"]  # fmt: skip
    for name in names:
        network = network_of(BY_NAME[name])
        matrices = BY_NAME[name].matrices()
        matrices[0][2, 1] = np.nan
        network.load(matrices)
        network.run("test")
        assert math.isnan(network.objective()), name


MSM = "y type=cost.msm inputs=labels,x"


@pytest.mark.parametrize("shift", [0, 700, -700, 1e5])
def test_msm_does_not_depend_on_the_level_of_energies(shift):
    row = Row("level", MSM, "y setSize=3", ((9,),), classes=9)
    network, matrices = network_of(row), row.matrices()
    expected = ref.msm(matrices[LABELS], matrices[0], 3)
    gradient = ref.msm_grad(matrices[LABELS], matrices[0], 3, 0.7)
    network.load(matrices | {0: matrices[0] + shift})
    network.run("gradients")
    assert difference(network.costs()["y"], expected) < 1e-9
    assert difference(network.data_gradient("x").reshape(9, -1), gradient) < 1e-9


def test_msm_with_energies_far_apart():
    """The label's set has probability e^-900, which no number holds, but its logarithm does."""
    row = Row("far", MSM, "y setSize=2", ((4,),), cases=1, classes=4)
    network = network_of(row)
    network.load({0: np.array([[0.0], [0.0], [900.0], [900.0]]), LABELS: np.zeros((1, 1))})
    network.run("gradients")
    cost, first, among = network.costs()["y"]
    assert cost == pytest.approx(900 - math.log(2)) and (first, among) == (1, 1)
    found = network.data_gradient("x").reshape(-1) / 0.7
    np.testing.assert_allclose(found, [-1, 0, 0.5, 0.5], atol=1e-12)


@pytest.mark.parametrize("size", [1, 3])
def test_msm_of_a_label_that_is_no_class(size):
    """Its gradient is the probabilities alone, whose sum is the size of the sets."""
    row = Row("no class", MSM, f"y setSize={size}", SIX, cases=2)
    network = network_of(row)
    network.load(row.matrices() | {LABELS: np.array([[-1.0, 6.0]])})
    network.run("gradients")
    assert network.costs()["y"][1:] == pytest.approx([2, 2])
    dx = network.data_gradient("x").reshape(6, 2)
    np.testing.assert_allclose(dx.sum(axis=0), 0.7 * size, rtol=1e-12)


def test_msm_of_one_class_is_logreg():
    fused = network_of(BY_NAME["logreg: fused"])
    sets = network_of(Row("logreg: fused", MSM, "y setSize=1", SIX))
    for network in (fused, sets):
        network.run("gradients")
    assert difference(sets.costs()["y"][:2], fused.costs()["y"][:2]) < 1e-12
    found, expected = (n.data_gradient("x") / n.graph.node("y").layer.coeff for n in (sets, fused))
    assert difference(found, expected) < 1e-12


DCE = "l type=eltsum inputs=x\ny type=cost.dce inputs=targets,l"
TARGET = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0]])
PREDICTION = np.array([[0.9, 0.1, 0.8, 0.2], [0.3, 0.7, 0.5, 0.1], [0.2, 0.1, 0.3, 0.4]])


def test_dce_shows_precision_and_recall():
    network = network_of(Row("dce", DCE, "", ((3,),), classes=3), cases=4)
    network.load({0: PREDICTION, TARGETS: TARGET})
    network.run("test")
    sums = network.costs()
    assert list(sums["y"][2:]) == [2, 2, 1, 1, 0, 0, 0, 2, 0]
    average = Average()
    average.add(sums, 4)
    average.add(sums, 4)
    shown = average.per_case(cost_layers(network))["y"]
    assert shown["wrong side"] == pytest.approx(5 / 12)
    assert shown["cost"] == pytest.approx(sums["y"][0] / 4)
    rest = {name: value for name, value in shown.items() if name not in ("cost", "wrong side")}
    assert rest == {"precision 0": 0.5, "recall 0": 0.5, "precision 1": 0, "recall 2": 0}


def test_children_are_added_to_their_parent():
    layers = "a type=cost.sum2 inputs=x\nb type=cost.sum2 inputs=x\n"
    layers += "c type=cost.sum2 inputs=x children=a\nd type=cost.sum2 inputs=x children=b,c"
    network = network_of(Row("children", layers))
    network.run("test")
    found = reported(cost_layers(network), network.costs(), 5)
    one = network.costs()["a"][0] / 5
    assert found == {"d": {"cost": pytest.approx(4 * one)}}
    coeffs = [network.graph.node(n).layer.coeff for n in "abcd"]
    assert network.objective() == pytest.approx(5 * one * sum(coeffs))  # not added there
