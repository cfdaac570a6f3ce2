"""The bytes that devices send to each other, counted by hand for small networks."""

import pytest

from convnet.network.crossing import KINDS, crossing_bytes
from convnet.network.partitions import Partitioning
from convnet.network.planner import make_plan
from tests.support.small_nets import replicated_graph

CONV, CONV_BIASES, FC, FC_BIASES = 2 * 3 * 3 * 16, 16, 5 * 144, 5
WEIGHTS = CONV + CONV_BIASES + FC + FC_BIASES
POOL1 = 16 * 3 * 3


def crossing(conv, fc, place_of=lambda device: device, minibatch=16, rows=16, **options):
    graph = replicated_graph(conv, fc, dialect=options.pop("dialect", "convnet"))
    plan = make_plan(graph, minibatch, partitioning=Partitioning(rows), **options)
    return crossing_bytes(plan, place_of)


def summed(found):
    return {kind: sum(kinds[kind] for kinds in found.values()) for kind in KINDS}


def test_nothing_crosses_on_one_device():
    assert crossing("0", "0") == {}


@pytest.mark.parametrize("count", [2, 3, 4])
def test_replicas_send_each_value_and_gradient_to_the_others(count):
    devices = ",".join(map(str, range(count)))
    found = crossing(devices, devices)
    assert len(found) == count * (count - 1)
    exchanged = 4 * (count - 1) * WEIGHTS
    assert summed(found) == {
        "activities": 0, "gradients": 0, "weight gradients": exchanged, "weights": exchanged
    }  # fmt: skip


def test_a_layer_on_another_device_gets_activities_and_returns_gradients():
    found = crossing("0", "1")
    assert found[0, 1] == dict.fromkeys(KINDS, 0) | {"activities": 4 * POOL1 * 16}
    assert found[1, 0] == dict.fromkeys(KINDS, 0) | {"gradients": 4 * POOL1 * 16}


def test_a_microbatch_crosses_with_its_own_cases():
    """13 cases are four, four, four and one; device 0 keeps its own."""
    found = crossing("0,1,2,3", "0", minibatch=13)
    sizes = {n: found[n, 0]["activities"] // (4 * POOL1) for n in (1, 2, 3)}
    assert sizes == {1: 4, 2: 4, 3: 1}


def test_places_hold_several_devices():
    apart = crossing("0,1,2,3", "0,1,2,3")
    paired = crossing(
        "0,1,2,3", "0,1,2,3", place_of=lambda device: "left" if device < 2 else "right"
    )
    assert set(paired) == {("left", "right"), ("right", "left")}
    between = sum(sum(kinds.values()) for (a, b), kinds in apart.items() if (a < 2) != (b < 2))
    assert sum(sum(kinds.values()) for kinds in paired.values()) == between
    assert crossing("0,1,2,3", "0,1,2,3", place_of=lambda _: 0) == {}


def test_updates_after_two_minibatches_send_half_as_much_in_each():
    once, twice = (summed(crossing("0,1", "0,1", update_every=every)) for every in (1, 2))
    assert twice["weights"] == once["weights"] // 2 > 0


def test_half_precision_halves_the_bytes():
    full = crossing("0", "1", dialect="chm")
    graph = replicated_graph("0", "1", dialect="chm", extra="[pool1]\nquantF=half\n")
    half = crossing_bytes(make_plan(graph, 16), lambda device: device)
    assert 2 * half[0, 1]["activities"] == full[0, 1]["activities"]
    assert half[1, 0]["gradients"] == full[1, 0]["gradients"]
