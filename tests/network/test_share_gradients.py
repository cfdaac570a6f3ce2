"""Gradients of outputs that share memory: never two at a time, and the same numbers as alone."""

import numpy as np
import pytest

from benchmarks.graphs import shipped_graph
from convnet.network import planner
from convnet.network.planner import make_plan
from convnet.network.record import BETWEEN_DEVICES
from tests.support.cases import CASES
from tests.support.rows import network_of

NETS = ("alexnet-groups", "alexnet", "alexnet-hybrid", "nin-imagenet", "vgg-16")


def gradients(steps):
    """The accesses to gradients of outputs in the order of the steps: (step, view)."""
    for step in steps:
        for view in step.views():
            if view.buffer.role == "gradients":
                yield step, view


@pytest.mark.parametrize("net", NETS)
def test_memory_holds_one_gradient_until_it_is_not_needed_any_more(net):
    plan = make_plan(shipped_graph(net), 128)
    for program in ("train", "gradients"):
        here, gone = {}, set()
        for _, view in gradients(plan.programs[program]):
            before = here.get(view.buffer, view.name)
            if before != view.name:
                gone.add(before)
            assert view.name not in gone
            here[view.buffer] = view.name
        assert gone


@pytest.mark.parametrize("net", NETS)
def test_copies_between_devices_keep_their_memory(net):
    """So that a message can start as early as before."""
    plan = make_plan(shipped_graph(net), 128)
    copied = {
        view.buffer
        for step, view in gradients(plan.programs["train"])
        if step.operation in BETWEEN_DEVICES
    }
    assert bool(copied) == (net in ("alexnet", "alexnet-hybrid"))
    for _, view in gradients(plan.programs["train"]):
        assert view.buffer not in copied or view.name == view.buffer.name


@pytest.mark.parametrize("net", NETS)
def test_gradients_stay_on_their_device(net):
    plan = make_plan(shipped_graph(net), 128)
    moved = [v for _, v in gradients(plan.programs["train"]) if v.planned is not None]
    assert moved and all(view.device == view.planned.device for view in moved)


def test_alexnet_needs_half_of_the_memory():
    """Its largest gradients, of conv1 and rnorm1, are needed together; all others fit in there."""
    graph = shipped_graph("alexnet-groups")
    largest = 2 * 96 * 55 * 55
    assert make_plan(graph, 1).bytes()[0]["gradients"] < 4 * 1.2 * largest


def test_data_gradients_can_be_read_in_the_end():
    plan = make_plan(shipped_graph("digits"), 4, input_gradients=True)
    (kept,) = plan.data_gradients.values()
    names = {v.name for _, v in gradients(plan.programs["gradients"]) if v.buffer is kept.buffer}
    assert names == {kept.buffer.name}


@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
def test_numbers_do_not_change(row, monkeypatch):
    found = results(network_of(row))
    monkeypatch.setattr(planner, "share_gradients", lambda plan: None)
    for name, values in results(network_of(row)).items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def results(network):
    for buffer, memory in network.engine.memory.items():
        if buffer.role == "gradients":
            memory[:] = np.nan
    network.run("gradients")
    return {name: network.read_gradient(p) for name, p in network.parameters.items()}


def test_a_listing_names_what_is_there():
    steps = make_plan(shipped_graph("alexnet-groups"), 1).programs["train"]
    (line,) = [str(s) for s in steps if s.layer == "pool2" and s.phase == "backward"]
    assert "pool2.gradient(256x13x13xN)" in line and "rnorm2.gradient(256x27x27xN)" in line
