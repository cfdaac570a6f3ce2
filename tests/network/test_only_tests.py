"""A network that is planned for tests alone: the same outputs in less memory."""

import numpy as np
import pytest

import convnet
from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import Checkpoint, load, restore, save
from convnet.layers import Tree
from convnet.network.network import Network
from tests.support.training import make_graph

LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[conv]
type=conv
inputs=data
channels=4
filters=16
filterSize=3
groups=2
randSparse=1
initW=0.2
neuron=relu
[tied]
type=conv
inputs=conv
channels=32
filters=16
filterSize=1
initW=0.2
[drop]
type=dropout2
inputs=tied
[scores]
type=fc
inputs=drop
outputs=10
initW=0.1
[probs]
type=softmax
inputs=scores
[cost]
type=cost.logreg
inputs=labels,probs
"""
RATES = "".join(
    f"[{name}]\nepsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0\n"
    for name in ("conv", "tied", "scores")
)
PARAMS = f"{RATES}[drop]\nkeep=0.5\n[cost]\ncoeff=1\n"
DIMS = {0: 4 * 36, 1: 1}


@pytest.fixture
def trained():
    """A network after a training step."""
    network = Network(make_graph(LAYERS, PARAMS, dims=DIMS), 6, Engine(), seed=3)
    network.load(matrices())
    network.set_rates(0.0)
    network.run("train")
    return network


def matrices():
    rng = np.random.default_rng(0)
    return {0: rng.standard_normal((4 * 36, 6)).astype(np.float32), 1: np.zeros((1, 6), np.float32)}


def for_tests():
    return Network(
        make_graph(LAYERS, PARAMS, dims=DIMS),
        6,
        Engine(),
        seed=3,
        only_tests=True,
        initialize=False,
    )


def test_it_computes_the_same_from_a_checkpoint_without_velocities(trained, tmp_path):
    path = tmp_path / "trained.safetensors"
    save(path, Checkpoint.of(trained))
    saved = load(path, for_test=True)
    assert saved.arrays.keys() == {*trained.parameters, "conv.connections.0"}
    assert load(path).arrays.keys() > saved.arrays.keys()
    network = for_tests()
    restore(network, saved)
    for each in (trained, network):
        each.load(matrices())
        each.run("test")
    np.testing.assert_array_equal(network.output("probs"), trained.output("probs"))
    assert network.output("probs").std() > 0.01
    assert network.costs()["cost"].tolist() == trained.costs()["cost"].tolist()


def test_it_plans_no_gradients(trained):
    network = for_tests()
    assert set(network.plan.programs) == {"load", "test"}
    roles = network.plan.bytes()[0]
    assert not {"gradients", "weight gradients", "velocity"} & set(roles)
    assert sum(roles.values()) < 0.6 * sum(trained.plan.bytes()[0].values())
    assert not any(parameter.learns for parameter in network.parameters.values())


TREE = Tree({3: (0, 2), 4: (3, 1)}, 4)
ON_TREE = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[top]
type=treefc
inputs=data
initW=0.1
[probs]
type=softmax
inputs=top
[cost]
type=cost.logreg
inputs=labels,probs
"""


def test_tables_with_fixed_values_are_written():
    """The parents of a tree's labels are in no checkpoint."""
    parts = ON_TREE, "[top]\nepsW=0.1\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0\n[cost]\ncoeff=1\n"
    net = convnet.Net.from_text(*parts, minibatch=6, tree=TREE, data_dims={0: 20, 1: 1})
    images = np.random.default_rng(0).standard_normal((20, 6)).astype(np.float32)
    network = Network(net.graph, 6, Engine(), only_tests=True, initialize=False)
    for table in network.plan.tables:
        assert table.spec.values is not None
        found = network.engine.read(table.value, network.cases)
        np.testing.assert_array_equal(found, table.spec.values)
    assert network.plan.tables
    restore(network, Checkpoint.of(net.network))
    for each in (net.network, network):
        each.load({0: images, 1: np.zeros((1, 6), np.float32)})
        each.run("test")
    np.testing.assert_array_equal(network.output("probs"), net.network.output("probs"))
