"""How a training step changes the weights, against the float64 reference (docs/dialect.md, 6)."""

import math

import numpy as np
import pytest

import tests.support.reference as ref
from convnet.backends.cpu.engine import Engine
from convnet.network.network import Network
from tests.support.training import make_graph

DIMS, CLASSES, CASES = {0: 12, 1: 1}, 4, 6

HEAD = "[data]\ntype=data\ndataIdx=0\n[labels]\ntype=data\ndataIdx=1\n"
TAIL = """
[out]
type=fc
inputs={last}
outputs=4
initW=0.5
[probs]
type=softmax
inputs=out
[logprob]
type=cost.logreg
inputs=labels,probs
"""


def fc(name, inputs="data", outputs=5, **keys):
    keys = {"type": "fc", "inputs": inputs, "outputs": outputs, "initW": 0.5, "initB": 0.3} | keys
    return section(name, keys)


def section(name, keys):
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items())


def learning(name, **keys):
    given = {"epsW": 0.1, "epsB": 0.2, "momW": 0.9, "momB": 0.8, "wc": 0.05} | keys
    return section(name, given)


def make_network(layers, params, last, dialect="convnet", real=np.float64, dims=None):
    text = HEAD + layers + TAIL.format(last=last)
    params = params + learning("out", wc=0) + "[logprob]\ncoeff=1\n"
    graph = make_graph(text, params, dialect, dims or DIMS, CLASSES)
    return Network(graph, CASES, Engine(real), seed=3)


def batch(rng, cases=CASES):
    return {
        0: rng.standard_normal((12, cases)),
        1: rng.integers(0, CLASSES, (1, cases)).astype(float),
    }


def values(network):
    """parameter -> (w, v), v None if it is frozen"""
    return {
        name: (
            network.read(p),
            network.read_state(p, "velocity") if p.learns else None,
        )
        for name, p in network.parameters.items()
    }


def step(network, matrices, progress=0.0, normal=None):
    network.load(matrices)
    network.set_rates(progress, normal)
    network.run("train")
    return {n: network.read_gradient(p) for n, p in network.parameters.items() if p.learns}


def close(a, b):
    return np.allclose(a, b, rtol=1e-11, atol=1e-13)


SCHEDULES = {
    "const": ("0.1", 0, {}),
    "linear": ("linear[base=0.1;tgtFactor=20]", 0, {}),
    "exp": ("exp[base=0.1;tgtFactor=20]", 0, {}),
    "dexp": ("dexp[base=0.1;tgtFactor=20;numSteps=3]", 0, {}),
}


@pytest.mark.parametrize("kind", SCHEDULES)
def test_several_steps_follow_the_reference(kind):
    params = learning("a", epsW=SCHEDULES[kind][0])
    network = make_network(fc("a"), params, "a")
    rng = np.random.default_rng(1)
    for progress in (0, 0.2, 0.5, 0.9, 1):
        before = values(network)
        gradients = step(network, batch(rng), progress)
        rate = ref.rate(kind, 0.1, 20, 3, progress)
        settings = {"a.weights.0": (rate, 0.9, 0.05), "a.biases": (0.2, 0.8, 0)}
        settings |= {"out.weights.0": (0.1, 0.9, 0), "out.biases": (0.2, 0.8, 0)}
        for name, (w, v) in values(network).items():
            expected = ref.update(*before[name], gradients[name], CASES, *settings[name])
            assert close(w, expected[0]) and close(v, expected[1]), name
            assert np.abs(w - before[name][0]).max() > 1e-4, "the step is too small to be tested"


def test_in_float32_too():
    network = make_network(fc("a"), learning("a"), "a", real=np.float32)
    rng = np.random.default_rng(2)
    for _ in range(4):
        before = values(network)
        gradients = step(network, batch(rng))
        name = "a.weights.0"
        w, v = ref.update(*before[name], gradients[name], CASES, 0.1, 0.9, 0.05)
        assert np.abs(values(network)[name][0] - w).max() < 1e-6
        assert np.abs(values(network)[name][1] - v).max() < 1e-6


@pytest.mark.parametrize("dialect, divisor", [("convnet", 2), ("chm", 2), ("cc1", 2), ("cc2", 6)])
def test_the_divisor_of_a_short_minibatch(dialect, divisor):
    """Its own cases; in cuda-convnet2 the nominal ones (docs/dialect.md, 6.2)."""
    network = make_network(fc("a"), learning("a"), "a", dialect)
    rng = np.random.default_rng(3)
    step(network, batch(rng))
    before = values(network)["a.weights.0"]
    gradient = step(network, batch(rng, cases=2))["a.weights.0"]
    expected = ref.update(*before, gradient, divisor, 0.1, 0.9, 0.05)
    assert close(values(network)["a.weights.0"][0], expected[0])


def test_a_base_rate_of_0_freezes():
    """No step, no decay, no constraint; the biases still learn (docs/dialect.md, 6.2)."""
    params = learning("a", epsW=0, wball=0.01)
    network = make_network(fc("a"), params, "a", "chm")
    before = values(network)
    rng = np.random.default_rng(4)
    for _ in range(3):
        step(network, batch(rng))
    after = values(network)
    assert after["a.weights.0"][1] is None
    assert (after["a.weights.0"][0] == before["a.weights.0"][0]).all()
    assert not close(after["a.biases"][0], before["a.biases"][0])


def test_a_rate_that_falls_to_almost_0_does_not_freeze():
    """The test is on the base rate: momentum goes on."""
    network = make_network(fc("a"), learning("a", epsW="exp[base=0.1;tgtFactor=1e30]"), "a")
    rng = np.random.default_rng(5)
    step(network, batch(rng))
    w, v = values(network)["a.weights.0"]
    step(network, batch(rng), progress=1)
    assert close(values(network)["a.weights.0"][0], w + 0.9 * v)


def test_a_frozen_net_below_gets_no_gradients():
    params = learning("a", epsW=0, epsB=0)
    network = make_network(fc("a"), params, "a")
    layers = {s.layer for s in network.plan.programs["train"] if s.phase == "backward"}
    assert "a" not in layers and "out" in layers


def test_noise_multiplies_the_rate_and_the_decay_draws_its_own():
    params = learning("a", schedW="linear[tgtFactor=2,noiseStdev=0.5]")
    network = make_network(fc("a"), params, "a", "chm")
    before = values(network)["a.weights.0"]
    draws = iter([1.0, -2.0])
    gradient = step(network, batch(np.random.default_rng(6)), 0, lambda: next(draws))["a.weights.0"]
    noisy, noisy_for_decay = 0.1 * 1.5, 0.1 * 2.0
    expected = ref.update(*before, gradient, CASES, noisy, 0.9, 0.05 * noisy_for_decay / noisy)
    assert close(values(network)["a.weights.0"][0], expected[0])


# -- constraints -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["chm", "cc2"])
@pytest.mark.parametrize("ball", [0.05, 0.1, 3.0])
def test_wball(dialect, ball):
    """After the update.  chm: a bound, times the weights of a filter; cc2: the norm itself."""
    network = make_network(fc("a"), learning("a", wball=ball), "a", dialect)
    rng = np.random.default_rng(7)
    for _ in range(3):
        before = values(network)["a.weights.0"]
        gradient = step(network, batch(rng))["a.weights.0"]
        free, _ = ref.update(*before, gradient, CASES, 0.1, 0.9, 0.05)
        expected = ref.wball(free, ball, "fc", dialect)
        found = values(network)["a.weights.0"][0]
        assert close(found, expected)
        acts = dialect == "cc2" or ball < 0.2
        assert close(found, free) != acts
        assert not dialect == "cc2" or close(np.sqrt((found**2).sum(axis=1)), ball)


CONV = section(
    "c",
    {
        "type": "conv", "inputs": "data", "channels": 3, "filters": 4, "filterSize": 2,
        "initW": 0.5, "partialSum": 1,
    },
)  # fmt: skip


@pytest.mark.parametrize("dialect", ["chm", "cc2"])
@pytest.mark.parametrize("low, high, ball", [(0, 0.05, 0), (0.3, 0.4, 0), (0, 0.05, 0.1)])
def test_contrast_and_then_the_ball(dialect, low, high, ball):
    """Only the steps of the update are run, with gradients given to them."""
    params = learning("c", wcNormMax=high, wcNormMin=low, wball=ball)
    network = make_network(CONV, params, "c", dialect)
    network.cases = CASES
    network.set_rates(0)
    rng = np.random.default_rng(8)
    parameter = network.parameters["c.weights.0"]
    gradient = rng.standard_normal(parameter.value.dims)
    network.engine.write(parameter.gradient, CASES, gradient)
    w, v = values(network)["c.weights.0"]
    update = [s for s in network.plan.programs["train"] if (s.phase, s.layer) == ("update", "c")]
    network.engine.program(update, (CASES,)).run()
    free, _ = ref.update(w, v, gradient, CASES, 0.1, 0.9, 0.05)
    expected = ref.wcnorm(free, low, high)
    assert not close(expected, free)
    if ball:
        expected = ref.wball(expected, ball, "conv", dialect)
    assert close(values(network)["c.weights.0"][0], expected)


# -- shared weights --------------------------------------------------------------------------------


def _shared_and_apart(dialect, rate_a, rate_b):
    """Two fc layers over the data, added up: with one matrix, and with a copy for each."""
    join = section("sum", {"type": "eltsum", "inputs": "a,b", "coeffs": "1,0.5"})
    params = learning("a", epsW=rate_a) + learning("b", epsW=rate_b)
    neuron = {"neuron": "tanh[1,1]"}
    networks = []
    for keys in ({"weightSource": "a"}, {}):
        layers = fc("a", neuron="relu") + fc("b", **neuron, **keys) + join
        text = layers if dialect != "cc2" else layers.replace("coeffs=1,0.5\n", "")
        extra = "[sum]\ncoeffs=1,0.5\n" if dialect == "cc2" else ""
        networks.append(make_network(text, params + extra, "sum", dialect))
    shared, apart = networks
    for name in apart.parameters:
        source = name if name in shared.parameters else "a.weights.0"
        apart.write(apart.parameters[name], shared.read(shared.parameters[source]))
    return shared, apart


@pytest.mark.parametrize("dialect", ["cc1", "chm", "cc2", "convnet"])
@pytest.mark.parametrize("rates", [(0.1, 0.1), (0.1, 0.03), (0.1, 0)])
def test_users_of_one_matrix_add_their_gradients(dialect, rates):
    """Each with its own rate; momentum and decay are the owner's (docs/dialect.md, 5.2)."""
    shared, apart = _shared_and_apart(dialect, *rates)
    assert "b.weights.0" not in shared.parameters
    rng = np.random.default_rng(9)
    for _ in range(3):
        matrices = batch(rng)
        w, v = values(shared)["a.weights.0"]
        apart.write(apart.parameters["a.weights.0"], w)
        apart.write(apart.parameters["b.weights.0"], w)
        for name in set(shared.parameters) - {"a.weights.0"}:
            apart.write(apart.parameters[name], values(shared)[name][0])
        gradients = step(apart, matrices)
        step(shared, matrices)
        total = gradients["a.weights.0"] + rates[1] / 0.1 * gradients.get("b.weights.0", 0.0)
        expected = ref.update(w, v, total, CASES, 0.1, 0.9, 0.05)
        found = values(shared)["a.weights.0"]
        assert close(found[0], expected[0]) and close(found[1], expected[1])
        assert math.isclose(shared.objective(), apart.objective())


def test_an_owner_that_is_frozen_freezes_its_users():
    shared, _ = _shared_and_apart("chm", 0, 0.1)
    before = shared.read(shared.parameters["a.weights.0"])
    step(shared, batch(np.random.default_rng(10)))
    assert (shared.read(shared.parameters["a.weights.0"]) == before).all()
