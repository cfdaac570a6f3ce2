"""The learning rates in memory: written before a step only where they change."""

from collections import Counter

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.network.network import Network
from tests.support.training import make_graph

LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[one]
type=fc
inputs=data
outputs=4
initW=0.1
[two]
type=fc
inputs=one
outputs=3
initW=0.1
[probs]
type=softmax
inputs=two
[logprob]
type=cost.logreg
inputs=labels,probs
"""
PARAMS = """
[one]
epsW={one}
epsB=0.2
momW=0.9
momB=0
wc=0.05
[two]
epsW=0.1
epsB=0
momW=0.5
momB=0
[logprob]
coeff=1
"""
CASES = 8
PLATEAUS = "dexp[base=0.1;tgtFactor=10;numSteps=2]"  # 0.1 up to the middle, then 0.01
NOISE = "exp[base=0.1;tgtFactor=10;noiseStdev=0.5]"


@pytest.fixture(name="network_of")
def _network_of(monkeypatch):
    """A function that makes a network whose writes of rates are counted, and its counter."""
    written = Counter()
    write = Engine.write

    def counting(self, view, cases, values):
        if view.name.endswith(".rates"):
            written[view.name.removesuffix(".rates")] += 1
        write(self, view, cases, values)

    monkeypatch.setattr(Engine, "write", counting)

    def make(rate):
        graph = make_graph(LAYERS, PARAMS.format(one=rate), "convnet", {0: 4, 1: 1}, 3)
        return Network(graph, CASES, Engine(), seed=3), written

    return make


def rates(network, name):
    (partition,) = network.parameters[name].partitions
    return network.engine.read(partition.hyper, network.cases)


def test_rates_are_written_once_while_they_stay_the_same(network_of):
    network, written = network_of(PLATEAUS)
    for progress in (0.0, 0.2, 0.5):
        network.set_rates(progress)
    assert written == dict.fromkeys(("one.weights.0", "one.biases", "two.weights.0"), 1)
    network.set_rates(0.6)
    assert written == {"one.weights.0": 2, "one.biases": 1, "two.weights.0": 1}
    assert np.allclose(rates(network, "one.weights.0"), [0.9, 0.01 / CASES, 0.01 * 0.05])
    network.set_rates(0.5)
    assert np.allclose(rates(network, "one.weights.0"), [0.9, 0.1 / CASES, 0.1 * 0.05])


def test_rates_follow_the_cases_and_the_divisor(network_of):
    network, written = network_of("0.1")
    network.set_rates(0.0)
    network.load({0: np.zeros((4, 5)), 1: np.zeros((1, 5))})
    network.set_rates(0.0)
    assert np.allclose(rates(network, "one.biases"), [0, 0.2 / 5, 0])
    network.set_rates(0.0, divided_by=10)
    assert np.allclose(rates(network, "one.biases"), [0, 0.02 / 5, 0])
    assert set(written.values()) == {3}


def test_every_sample_of_noise_is_written(network_of):
    """The decay has a sample of its own (docs/dialect.md, 6.4)."""
    network, written = network_of(NOISE)
    samples = iter([0.0, 2.0, 1.0, 0.0])
    for wanted in ([0.9, 0.1 / CASES, 0.2 * 0.05], [0.9, 0.15 / CASES, 0.1 * 0.05]):
        network.set_rates(0.0, lambda: next(samples))
        assert np.allclose(rates(network, "one.weights.0"), wanted)
    assert written["one.weights.0"] == 2 and written["two.weights.0"] == 1
