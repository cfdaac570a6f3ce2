"""Inputs of virtual devices: they are where the host has them, and nothing copies them."""

import numpy as np
import pytest

from benchmarks.graphs import shipped_graph
from convnet.backends.cpu.engine import Engine
from convnet.backends.cpu.inputs import shared_inputs
from convnet.graph.build import HOST
from convnet.network.memory import Buffer
from convnet.network.network import Network
from convnet.network.record import Step


@pytest.mark.parametrize("net, devices", [("digits", 1), ("alexnet-data-parallel", 2)])
def test_a_device_reads_the_hosts_memory(net, devices):
    network = Network(shipped_graph(net), 2, Engine(), only_tests=True)
    steps = network.plan.programs["load"]
    assert len({step.device for step in steps}) == devices
    for step in steps:
        source, target = (network.engine.array(view, 1) for view in step.views())
        assert np.shares_memory(source, target) and source.shape == target.shape
    assert all(bound.calls == [] for bound in network.program("load", 2).bound)


def test_a_network_reads_what_was_loaded_last():
    network = Network(shipped_graph("digits"), 4, Engine(), seed=1)
    rng = np.random.default_rng(1)
    found = []
    for _ in range(2):
        network.load({0: rng.random((64, 4), np.float32), 1: np.zeros((1, 4), np.float32)})
        network.run("test")
        found.append(network.output("fc4"))
    assert not np.array_equal(*found)


def test_inputs_that_come_one_after_the_other_are_copied():
    """The labels of a hybrid's replicas go to the same memory, each in its turn."""
    network = Network(shipped_graph("alexnet-hybrid"), 4, Engine(), only_tests=True)
    pairs = [s.views() for s in network.plan.programs["test"] if s.operation == "transfer.copy"]
    pairs = [(source, target) for source, target in pairs if source.device == HOST]
    assert len(pairs) == 4 and len({target.buffer for _, target in pairs}) == 1
    for pair in pairs:
        assert not np.shares_memory(*(network.engine.array(view, 1) for view in pair))


@pytest.mark.parametrize("rows, shared", [(6, True), (4, False)])
def test_only_whole_inputs_are_shared(rows, shared):
    """A device may need a part of the host's rows."""
    host, device = Buffer("data", HOST, 6, "inputs"), Buffer("data to 0", 0, rows, "inputs")
    views = host.view().rows(0, rows), device.view()
    found = shared_inputs({"load": [Step("transfer.copy", "data to 0", "load", 0, views)]})
    assert found == ({device: host} if shared else {})
