"""Virtual devices: copies appear where the spec says, and only there; the result is the same."""

import re

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.errors import DeviceError
from convnet.graph import place as placement
from convnet.graph.place import HOST, copies, place
from convnet.network.memory import Buffer
from convnet.network.network import Network
from convnet.network.planner import make_plan
from convnet.network.record import Recorder
from convnet.operations import elementwise, transfer
from tests.support.rows import graph_of, poison, randomize

LEARNING = "epsW=0.1\nepsB=0.2\nmomW=0.9\nmomB=0.9\nwc=0.01"
# Two towers that meet in fc1a and fc1b.  conv1b is read twice on device 0, then on its own: its
# gradient from there is written first, and that which comes home is added.
LAYERS = """
[data]
type=data
dataIdx=0
channels=3
imgSize=6
[labels]
type=data
dataIdx=1
[conv1a]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
initW=0.1
neuron=relu
gpu=0
[conv1b]
type=conv
inputs=data
channels=3
filters=4
filterSize=3
initW=0.1
neuron=tanh
gpu=1
[fc1a]
type=fc
inputs=conv1a,conv1b
outputs=5
initW=0.1
[again]
type=fc
inputs=conv1b
outputs=5
initW=0.1
gpu=0
[pool1b]
type=pool
pool=max
inputs=conv1b
channels=4
sizeX=2
stride=2
[fc1b]
type=fc
inputs=pool1b,conv1a
outputs=5
initW=0.1
neuron=relu
[sum]
type=eltsum
inputs=fc1a,fc1b,again
[probs]
type=softmax
inputs=sum
[cost]
type=cost.logreg
inputs=labels,probs
"""
WEIGHTED = ("conv1a", "conv1b", "fc1a", "again", "fc1b")
PARAMS = "\n".join(f"[{name}]\n{LEARNING}" for name in WEIGHTED) + "\n[cost]\ncoeff=1\n"


def two_devices():
    return graph_of(LAYERS, PARAMS)


def one_device():
    return graph_of(re.sub(r"gpu=1", "gpu=0", LAYERS), PARAMS)


def network_on(graph, real=np.float64, cases=7):
    network = Network(graph, 8, Engine(real), input_gradients=True)
    randomize(network)
    poison(network)
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((108, cases)), rng.integers(0, 5, (1, cases)).astype(float)
    network.load({0: x, 1: labels})
    return network


def crossings(graph):
    """(node, from, to) of every copy."""
    return sorted((u.node.name, u.inputs[0].device, u.device) for u in copies(place(graph)))


def test_a_copy_for_each_source_and_device():
    """conv1b goes to device 0 once, for its two readers there."""
    assert crossings(two_devices()) == [
        ("conv1a_neuron", 0, 1),
        ("conv1b_neuron", 1, 0),
        ("data", HOST, 0),
        ("data", HOST, 1),
        ("fc1b_neuron", 1, 0),
        ("labels", HOST, 0),
    ]


def test_on_one_device_only_the_data_is_copied():
    assert crossings(one_device()) == [("data", HOST, 0), ("labels", HOST, 0)]


def test_a_layer_without_gpu_is_where_its_first_input_is():
    devices = {u.name: u.device for u in place(two_devices()) if not u.is_copy}
    assert {n: devices[n] for n in ("pool1b", "fc1a", "fc1b", "fc1b_neuron", "sum", "cost")} == {
        "pool1b": 1, "fc1a": 0, "fc1b": 1, "fc1b_neuron": 1, "sum": 0, "cost": 0,
    }  # fmt: skip
    assert devices["data"] == devices["labels"] == HOST


def test_readers_of_one_device_share_its_copy():
    units = {u.name: u for u in place(two_devices())}
    copy = units["conv1b_neuron to device 0"]
    assert {reader.name for reader in copy.consumers} == {"fc1a", "again"}
    assert {r.name for r in units["conv1b_neuron"].consumers} == {copy.name, "pool1b"}


def test_every_step_stays_on_one_device_but_for_the_copies():
    plan = network_on(two_devices()).plan
    for program in plan.programs.values():
        for step in program:
            found = {view.device for view in step.views()}
            assert len(found) == (2 if step.operation == "transfer.copy" else 1), step


def test_copies_forward_and_home_are_steps_of_the_plan():
    """Gradients come home over each copy once, and are added there if they are not the first."""
    programs = network_on(two_devices()).plan.programs
    steps = programs["load"] + programs["train"]
    moved = [(s.phase, s.layer) for s in steps if s.operation == "transfer.copy"]
    forward = [layer for phase, layer in moved if phase in ("load", "forward")]
    backward = [layer for phase, layer in moved if phase == "backward"]
    crossing = [f"{name} to device {to}" for name, _, to in crossings(two_devices())]
    assert sorted(forward) == sorted(crossing)
    between = [name for name in crossing if not name.startswith(("data", "labels"))]
    assert sorted(backward) == sorted(between)


@pytest.mark.parametrize("steps", [1, 5])
def test_two_devices_give_what_one_gives(steps):
    one, two = network_on(one_device()), network_on(two_devices())
    for _ in range(steps):
        for network in (one, two):
            network.set_rates(0)
            network.run("train")
    assert one.costs().keys() == two.costs().keys()
    np.testing.assert_allclose(two.objective(), one.objective(), rtol=1e-13)
    for name, parameter in one.parameters.items():
        other = two.parameters[name]
        gradients = [n.read_gradient(p) for n, p in ((one, parameter), (two, other))]
        np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(two.read(other), one.read(parameter), rtol=1e-9, atol=1e-12)
    data = [network.data_gradient("data") for network in (one, two)]
    np.testing.assert_allclose(*data, rtol=1e-9, atol=1e-12)
    for name in ("conv1a", "conv1b", "pool1b", "fc1a", "fc1b", "probs"):
        np.testing.assert_allclose(two.output(name), one.output(name), rtol=1e-9, atol=1e-12)


def test_memory_of_each_device_is_counted_apart():
    network = network_on(two_devices(), np.float32)
    table = network.plan.bytes()
    assert set(table) == {HOST, 0, 1}
    weights = {0: 3 * 9 * 4 + 4 + 2 * 64 * 5 + 5 + 64 * 5 + 5, 1: 3 * 9 * 4 + 4 + 80 * 5 + 5}
    for device, count in weights.items():
        assert table[device]["weights"] == 4 * count
    held = sum(memory.nbytes for memory in network.engine.memory.values())
    assert held == sum(sum(roles.values()) for roles in table.values())


def test_arrays_of_two_devices_in_one_operation_are_an_error():
    here, there = (Buffer(name, d, 4, "activities").view() for d, name in enumerate("ab"))
    ops = Recorder()
    ops.layer = "y"
    with pytest.raises(DeviceError, match="y: elementwise.scale .* a on device 0, b on device 1"):
        elementwise.scale(ops, here, there, 1.0, False)
    transfer.copy(ops, here, there)
    assert [step.device for step in ops.steps] == [1]


def test_a_layer_that_reads_past_its_copy_is_caught(monkeypatch):
    """Were a copy forgotten, the plan could not be made."""
    monkeypatch.setattr(placement._Placer, "_on", lambda placer, device, source: source)
    with pytest.raises(DeviceError, match="conv1a: conv.forward met arrays of different"):
        make_plan(two_devices(), 8)


def test_a_pass_layer_receives_copies_in_its_own_memory():
    joined = LAYERS.replace("type=eltsum", "type=pass").replace(",again", ",again\ngpu=1")
    graph = graph_of(joined, PARAMS)
    assert ("fc1a", 0, 1) in crossings(graph) and ("again", 0, 1) in crossings(graph)
    plan = network_on(graph).plan
    parts = [plan.outputs[f"{name} to device 1"] for name in ("fc1a", "again")]
    parts.insert(1, plan.outputs["fc1b_neuron"])
    assert [(view.buffer.name, view.start) for view in parts] == [
        ("sum", 0),
        ("sum", 5),
        ("sum", 10),
    ]
    assert not [step for step in plan.programs["train"] if step.layer == "sum"]
