"""Replicas that share out their updates: bit for bit what a single owner of all values computes."""

import numpy as np
import pytest

from convnet import checkpoint
from convnet.backends.cpu.engine import Engine
from convnet.errors import CheckpointError
from convnet.network.network import Network
from convnet.network.partitions import Partitioning
from convnet.network.planner import make_plan
from tests.support.cases import TREE
from tests.support.small_nets import batch_of, replicated_graph

FINE = Partitioning(rows=16)  # so that small arrays are shared out too
ONE_OWNER = Partitioning(rows=16, most=1)
EVERYWHERE = {count: (",".join(map(str, range(count))),) * 2 for count in (1, 2, 3, 4)}
SPREADS = EVERYWHERE | {"four over two": ("3,1,2,0", "1,0"), "three over one": ("0,1,2", "1")}


def network_of(spread, partitioning=FINE, update_every=1, minibatch=16, **keys):
    graph = replicated_graph(*SPREADS[spread], **keys)
    network = Network(
        graph, minibatch, Engine(), seed=1, update_every=update_every, partitioning=partitioning
    )
    for buffer, memory in network.engine.memory.items():
        if buffer.dtype == "real" and buffer.role not in ("weights", "velocity"):
            memory[:] = np.nan  # what is read before it is written shows
    return network


def train(network, cases=(16, 16, 13), start=0):
    costs = []
    for step, count in enumerate(cases, start):
        network.load(batch_of(step, count))
        network.set_rates(0)
        network.run("train")
        costs.append(network.costs()["logprob"])
    return costs


def bits(network):
    """All that training changes, as bytes; the arrays of each replica."""
    found = {
        name: array.tobytes() for name, array in checkpoint.Checkpoint.of(network).arrays.items()
    }
    for parameter in network.plan.parameters:
        for replica in parameter.replicas:
            values = network.engine.read(replica.value, 1)
            found[f"{parameter.name} of {replica.unit.name}"] = values.tobytes()
    return found


# -- the ranges ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, replicas, expected",
    [
        (100, 1, [(0, 100)]),
        (100, 2, [(0, 64), (64, 36)]),
        (129, 4, [(0, 48), (48, 32), (80, 32), (112, 17)]),
        (16, 4, [(0, 16)]),
        (17, 4, [(0, 16), (16, 1)]),
    ],
)
def test_ranges(size, replicas, expected):
    assert Partitioning(rows=16).ranges(size, replicas) == expected


def test_ranges_cover_all_values_once_and_are_balanced():
    for size in (1, 15, 16, 17, 160, 1000, 4097):
        for replicas in range(1, 9):
            found = Partitioning(rows=16).ranges(size, replicas)
            assert len(found) == min(replicas, -(-size // 16))
            ends = [start + count for start, count in found]
            assert [0, *ends] == [*(start for start, _ in found), size]
            assert max(c for _, c in found) - min(c for _, c in found[:-1] or found) <= 16


def test_small_arrays_stay_in_one_piece():
    plan = make_plan(replicated_graph(*SPREADS[4]), 16)
    assert [len(parameter.partitions) for parameter in plan.parameters] == [1] * 4


# -- the numbers -----------------------------------------------------------------------------------

RULES = {
    "momentum": {},
    "constraints": {"extra": "wball=0.2\nwcNormMax=0.05\n"},
    "moments": {"extra": "superEps=5\n"},
    "several minibatches": {"update_every": 2},
    "every pass": {"dialect": "cc2"},
    "two minibatches' passes": {"dialect": "cc2", "extra": "updatePeriod=8\n"},
    "shared weights": {"shared": True},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("spread", SPREADS)
def test_the_same_bits_as_one_owner(spread, rule):
    shared_out, alone = (network_of(spread, each, **RULES[rule]) for each in (FINE, ONE_OWNER))
    found, expected = train(shared_out), train(alone)
    assert np.array_equal(found, expected) and np.isfinite(found).all()
    assert bits(shared_out) == bits(alone)
    for parameter in shared_out.plan.parameters:
        values = [shared_out.engine.read(r.value, 1) for r in parameter.all_replicas()]
        assert all(np.array_equal(value, values[0]) for value in values)
    if spread in (2, 3, 4):
        assert {len(p.partitions) for p in shared_out.plan.parameters} >= {spread}
        assert {len(p.partitions) for p in alone.plan.parameters} == {1}


@pytest.mark.parametrize("count", [3, 4])
def test_sums_are_made_in_the_order_of_the_replicas(count):
    """1e8 + 1 - 1e8 is 0 in float32 and 1e8 - 1e8 + 1 is 1: another order gives other bits."""
    network = network_of(count)
    parameter = next(p for p in network.plan.parameters if p.name == "conv1.weights.0")
    pattern = np.array([1e8, 1, -1e8, 3][:count], np.float32)
    contributions = [np.roll(pattern, n) for n in range(count)]  # another order in each column
    size = parameter.spec.size
    for replica in parameter.all_replicas():
        values = [contributions[i % count][replica.unit.replica] for i in range(size)]
        network.engine.write(replica.gradient.flat(), 1, np.array(values))
    steps = [
        s for s in network.plan.programs["gradients"]
        if s.phase == "update" and s.layer.startswith("conv1:")
    ]  # fmt: skip
    network.engine.program(steps, network.plan.sizes(16)).run()
    expected = []
    for i in range(size):
        total = contributions[i % count][0]
        for value in contributions[i % count][1:]:
            total = np.float32(total + value)
        expected.append(total)
    assert len(set(expected)) > 1
    assert np.array_equal(network.read_gradient(parameter).reshape(-1), expected)


@pytest.mark.parametrize("cases", [1, 2, 5, 9])
@pytest.mark.parametrize("spread", [4, "four over two"])
def test_replicas_without_cases_contribute_nothing(spread, cases):
    """Some microbatches are empty: the gradients of their replicas are never written."""
    networks = [network_of(each) for each in (spread, 1)]
    for network in networks:
        train(network, [cases] * 3)
    several, one = (checkpoint.Checkpoint.of(network).arrays for network in networks)
    for name, array in one.items():
        np.testing.assert_allclose(several[name], array, rtol=2e-4, atol=1e-5, err_msg=name)


def test_a_pass_without_cases_updates_nothing():
    """cuda-convnet2's single layers are updated in each pass, here in one of three."""
    network = network_of("three over one", dialect="cc2")
    train(network, [16])
    used = network_of("three over one", dialect="cc2")
    train(used, [16])
    found = []
    for net, steps in ((network, [1]), (used, [])):
        for step in steps:
            net.load(batch_of(7, step))
            net.set_rates(0)
            net.run("train")
        found.append(net.read_state(net.parameters["fc2.biases"], "velocity"))
    gradient = network.read_gradient(network.parameters["fc2.biases"])
    rates = network.engine.read(network.parameters["fc2.biases"].partitions[0].hyper, 1)
    one_step = np.float32(rates[0]) * found[1] - np.float32(rates[1]) * gradient
    np.testing.assert_allclose(found[0], one_step, rtol=1e-5, atol=1e-7)


# -- the plan --------------------------------------------------------------------------------------


def test_each_device_keeps_a_part_of_the_velocity():
    roles = network_of(4).plan.bytes()
    one = network_of(1).plan.bytes()[0]
    for device in range(4):
        assert 0 < roles[device]["velocity"] <= one["velocity"] / 4 + 16 * 4 * 4
    assert sum(roles[device]["velocity"] for device in range(4)) == one["velocity"]


def test_the_last_layer_is_exchanged_first_behind_the_backward_pass():
    steps = network_of(3).plan.programs["train"]
    phases = [step.phase for step in steps]
    assert phases == sorted(phases, key=["forward", "backward", "update"].index)
    updates = [s.layer.partition(":")[0] for s in steps if s.operation == "update.sgd"]
    assert list(dict.fromkeys(updates)) == ["fc2", "conv1"]


def test_no_two_gradients_arrive_in_the_same_memory():
    """So a message can start as soon as its gradient is computed."""
    steps = network_of(4).plan.programs["train"]
    arrived = [
        str(s.arguments[1])
        for s in steps
        if s.operation == "transfer.copy" and s.arguments[1].buffer.role == "arrivals"
    ]
    assert len(arrived) == len(set(arrived)) > 12


def test_one_device_updates_layer_by_layer_in_the_order_of_the_file():
    steps = network_of(1, extra="wball=1\n").plan.programs["train"]
    found = [(s.operation, str(s.arguments[0])) for s in steps if s.phase == "update"]
    assert found == [
        ("update.sgd", "conv1.weights.0(2x3x3x16)"),
        ("update.sgd", "conv1.biases(16)"),
        ("update.weight_ball", "conv1.weights.0(1x18x16)"),
        ("update.sgd", "fc2.weights.0(5x144)"),
        ("update.sgd", "fc2.biases(5)"),
        ("update.weight_ball", "fc2.weights.0(5x144x1)"),
    ]


# -- checkpoints -----------------------------------------------------------------------------------


@pytest.mark.parametrize("before, after", [(1, 4), (4, 1), (2, 3), (3, 2)])
@pytest.mark.parametrize("moments", [False, True])
def test_checkpoints_from_any_number_of_replicas_into_any(tmp_path, before, after, moments):
    keys = {"extra": "superEps=5\n"} if moments else {}
    source = network_of(before, **keys)
    train(source)
    path = tmp_path / "half.safetensors"
    checkpoint.save(path, checkpoint.Checkpoint.of(source))
    target, again = network_of(after, **keys), network_of(before, **keys)
    for network in (target, again):
        assert checkpoint.restore(network, checkpoint.load(path)) == []
    assert checkpoint.Checkpoint.of(target).arrays.keys() == checkpoint.load(path).arrays.keys()
    for name, array in checkpoint.Checkpoint.of(target).arrays.items():
        assert np.array_equal(array, checkpoint.load(path).arrays[name]), name
    for network in (source, target, again):
        train(network, start=3)
    assert bits(source) == bits(again)
    wanted = checkpoint.Checkpoint.of(source).arrays
    for name, array in checkpoint.Checkpoint.of(target).arrays.items():
        np.testing.assert_allclose(array, wanted[name], rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("before, after", [(1, 4), (4, 1), (2, 3)])
def test_no_gradient_is_lost_between_two_updates(tmp_path, before, after):
    """Saved after one of two minibatches that make an update."""
    source, whole = (network_of(before, update_every=2) for _ in range(2))
    train(source, [16])
    path = tmp_path / "half.safetensors"
    checkpoint.save(path, checkpoint.Checkpoint.of(source))
    target = network_of(after, update_every=2)
    assert checkpoint.restore(target, checkpoint.load(path)) == []
    train(target, [16], start=1)
    train(whole, [16, 16])
    for name, array in checkpoint.Checkpoint.of(whole).arrays.items():
        found = checkpoint.Checkpoint.of(target).arrays[name]
        np.testing.assert_allclose(found, array, rtol=1e-4, atol=1e-6, err_msg=name)


def test_sums_that_do_not_fit_are_refused_or_dropped_with_a_note(tmp_path):
    source = network_of(2, update_every=2)
    train(source, [16])
    saved = checkpoint.Checkpoint.of(source)
    (note,) = checkpoint.restore(network_of(2), saved)
    assert "sums of gradients" in note
    saved.arrays["fc2:1.biases.gradient"] = np.zeros((3, 3), np.float32)
    with pytest.raises(CheckpointError, match=r"fc2:1\.biases\.gradient is 3x3"):
        checkpoint.restore(network_of(1, update_every=2), saved)


def test_a_tree_is_updated_by_one_replica():
    """A row of its weights has a rate of its own, so the update is not split."""
    several, one = network_of(4, tree=TREE), network_of(1, tree=TREE)
    counts = {name: len(p.partitions) for name, p in several.parameters.items()}
    assert counts["fc2.weights.0"] == 1 and counts["conv1.weights.0"] == 4
    for network in (several, one):
        train(network)
    found, expected = (
        several.read(several.parameters["fc2.weights.0"]),
        one.read(one.parameters["fc2.weights.0"]),
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
