"""quantF and quantB: activities and gradients sent between devices as 16-bit floats."""

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.network.network import Network
from tests.support.small_nets import half_graph

LEARNED = "epsW=0.1\nepsB=0.1\nmomW=0\nmomB=0\nwc=0\n"


def gradients(quantized):
    network = Network(half_graph(quantized, LEARNED), 7, Engine(np.float32), seed=1)
    network.load({0: np.random.default_rng(0).standard_normal((5, 7))})
    network.run("gradients")
    found = {name: network.read_gradient(p) for name, p in network.parameters.items()}
    return network, found


def test_activities_are_rounded_on_their_way():
    network, _ = gradients("quantF=half\n")
    sent = network.output("low").reshape(6, 7)
    arrived = network.engine.read(network.plan.outputs["low_neuron to device 1"].flat(), 7)
    assert np.array_equal(arrived, sent.astype(np.float16).astype(np.float32))
    assert not np.array_equal(arrived, sent)


def test_gradients_are_rounded_on_their_way():
    network, found = gradients("quantB=half\n")
    _, exact = gradients("")
    assert np.array_equal(found["high.weights.0"], exact["high.weights.0"])
    assert not np.array_equal(found["low.weights.0"], exact["low.weights.0"])
    np.testing.assert_allclose(found["low.weights.0"], exact["low.weights.0"], rtol=5e-3, atol=1e-2)
    steps = network.plan.programs["load"] + network.plan.programs["train"]
    moved = [step.operation for step in steps if step.operation[:8] == "transfer"]
    assert moved == ["transfer.copy", "transfer.copy", "transfer.copy_half"]


@pytest.mark.parametrize("quantized", ["", "quantF=default\nquantB=default\n"])
def test_plain_copies_by_default(quantized):
    network, _ = gradients(quantized)
    assert not [s for s in network.plan.programs["train"] if s.operation.endswith("half")]
