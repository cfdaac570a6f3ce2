"""Ranks compute the bits of one process, whatever is where."""

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.checkpoint import Checkpoint
from convnet.network.network import Network
from tests.support.small_nets import batch, half_graph, narrow_alexnet, small
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


def only_needed(network, matrices):
    """Nothing may depend on pixels that other ranks read."""
    needed = np.zeros(matrices[0].shape[1], bool)
    for first, end in network.cases_needed(len(needed)):
        needed[first:end] = True
    matrices[0][:, ~needed] = np.nan
    return matrices


def train(network, cases):
    """What three minibatches leave: costs, outputs, weights, and a test."""
    found = {}
    for step in range(STEPS):
        network.load(only_needed(network, batch(network.graph, step, cases)))
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


def test_a_rank_has_the_memory_of_its_devices_and_of_the_data_that_they_read():
    def work(transport):
        engine = engine_of(transport, Engine, (0, 1, 0, 1))
        network = Network(small("0,1,2,3", "1"), 16, engine, seed=1)
        arrays = engine._local.memory
        assert {buffer.device for buffer in arrays} == {-1, transport.rank, transport.rank + 2}
        pixels = {buffer.name for buffer in arrays if buffer.name.startswith("data:")}
        assert {name for name in pixels if "device" not in name} == {
            f"data:{transport.rank}",
            f"data:{transport.rank + 2}",
        }
        return network.cases_needed(16), network.cases_needed(6)

    assert on_ranks(2, work) == [
        ([(0, 4), (8, 12)], [(0, 2), (4, 6)]),
        ([(4, 8), (12, 16)], [(2, 4)]),
    ]


def test_only_the_reader_receives_what_is_read_by_one_rank():
    def work(transport):
        engine = engine_of(transport, Engine, (0, 1))
        network = Network(small("0", "1"), 4, engine, seed=1)
        everywhere = {name: network.read(p) for name, p in network.parameters.items()}
        with engine.read_by(0):
            alone = {name: network.read(p) for name, p in network.parameters.items()}
        for name, values in everywhere.items():
            assert alone[name].shape == values.shape and alone[name].dtype == values.dtype
            if transport.rank == 0:
                assert np.array_equal(alone[name], values)
            elif not name.startswith("fc"):
                assert not alone[name].any() and not any(alone[name].strides)  # no memory
        return everywhere

    first, second = on_ranks(2, work)
    same(first, second)
    assert any(values.any() for values in first.values())


def test_spans_of_messages():
    def work(transport):
        network = Network(small("0,1", "0,1"), 8, engine_of(transport, Engine, (0, 1)), seed=1)
        with network.traced() as spans:
            network.load(batch(network.graph, 0, 8))
            network.set_rates(0)
            network.run("train")
        return spans

    for rank, spans in enumerate(on_ranks(2, work)):
        queues = {queue: [s for s in spans if s.queue == queue] for queue in ("message", "waiting")}
        assert len(queues["message"]) == len(queues["waiting"]) > 10
        assert {span.device for span in spans} == {f"cpu:{rank}"}
        assert any(span.queue == "compute" for span in spans)
        assert all(span.duration >= 0 for span in spans)


@pytest.mark.parametrize("ranks", [(0, 1), (1, 0)])
def test_messages_of_16_bits(ranks):
    """Activities and gradients are rounded to the bits of the copy in one process."""

    def results(network):
        network.load({0: np.random.default_rng(0).standard_normal((5, 7))})
        network.run("gradients")
        return {name: network.read_gradient(p) for name, p in network.parameters.items()}

    graph = half_graph("quantF=half\nquantB=half\n")
    right = results(Network(graph, 7, Engine(), seed=1))
    exact = results(Network(half_graph(""), 7, Engine(), seed=1))
    assert any(right[name].tobytes() != exact[name].tobytes() for name in right)
    found = on_ranks(2, lambda t: results(Network(graph, 7, engine_of(t, Engine, ranks), seed=1)))
    for each in found:
        same(each, right)
