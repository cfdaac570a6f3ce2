"""Ranks compute the bits of one process, whatever is where."""

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import Checkpoint
from convnet.network.network import Network
from tests.support.small_nets import batch, narrow_alexnet, small
from tests.support.thread_ranks import engine_of, on_ranks

STEPS = 3
NETS = {
    "data parallel": (lambda: small("0,1", "0,1"), 16),
    "four replicas": (lambda: small("0,1,2,3", "0,1,2,3"), 16),
    "four over one": (lambda: small("0,1,2,3", "1"), 13),
    "four over two": (lambda: small("3,1,2,0", "1,0"), 16),
    "model parallel": (lambda: small("0", "1"), 5),
    "short last microbatches": (lambda: small("0,1,2,3", "0,1,2,3"), 5),
    "empty microbatches": (lambda: small("0,1,2,3", "2"), 2),
    "the paper's split": (narrow_alexnet, 6),
}
ROWS = [
    ("data parallel", (0, 1)),
    ("data parallel", (1, 0)),
    ("four replicas", (0, 1, 0, 1)),
    ("four replicas", (0, 0, 1, 1)),
    ("four replicas", (0, 1, 2, 3)),
    ("four replicas", (2, 1, 1, 0)),
    ("four over one", (0, 1, 0, 1)),
    ("four over one", (3, 2, 1, 0)),
    ("four over two", (0, 1, 0, 1)),
    ("four over two", (0, 1, 2, 3)),
    ("model parallel", (0, 1)),
    ("short last microbatches", (0, 1, 2, 3)),
    ("empty microbatches", (0, 1, 2, 3)),
    ("the paper's split", (0, 1)),
]


def train(network, cases):
    """What three minibatches leave: costs, outputs, weights, and a test."""
    found = {}
    for step in range(STEPS):
        network.load(batch(network.graph, step, cases))
        network.set_rates(0)
        network.run("train")
        found[f"costs {step}"] = network.costs()["logprob"]
    network.run("test")
    found["test"] = network.costs()["logprob"]
    found["probs"] = network.values(network.graph.node("probs"))
    network.run("gradients")
    for name, parameter in network.parameters.items():
        if parameter.learns:
            found[f"{name} gradient"] = network.read_gradient(parameter)
    return found | Checkpoint.of(network).arrays


def same(found, right):
    assert found.keys() == right.keys()
    assert [name for name in right if found[name].tobytes() != right[name].tobytes()] == []


@pytest.mark.parametrize(("net", "ranks"), ROWS, ids=str)
def test_same_bits_as_one_process(net, ranks):
    make, cases = NETS[net]
    minibatch = max(cases, 16) if "microbatches" in net else cases
    right = train(Network(make(), minibatch, Engine(), seed=1), cases)

    def work(transport):
        engine = engine_of(transport, Engine, ranks)
        return train(Network(make(), minibatch, engine, seed=1), cases)

    for found in on_ranks(max(ranks) + 1, work):
        same(found, right)
    assert np.isfinite(right["costs 2"]).all()
