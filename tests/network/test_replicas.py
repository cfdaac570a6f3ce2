"""Layers on several devices: the same numbers as one device wherever the rules make them equal."""

import numpy as np
import pytest

from convnet import checkpoint
from convnet.backends.cpu.engine import Engine
from convnet.errors import SpecError
from convnet.graph.place import place, rounds_of
from convnet.network.network import Network
from convnet.report.describe import network_summary
from tests.support import small_nets
from tests.support.small_nets import (
    CONV,
    COST,
    DATA,
    HIDDEN,
    LAST,
    LEARNED,
    POOL,
    VALUES,
    batch_of,
    params_of,
)

BOTH = "[both]\ntype=pass\ninputs=fca,fcb\n"
LAYERS = (
    DATA
    + CONV
    + POOL
    + HIDDEN
    + HIDDEN.replace("fca", "fcb")
    + BOTH
    + LAST.replace("fca", "both")
    + COST
)


def params(period):
    learned = LEARNED + (f"updatePeriod={period}\n" if period else "")
    return params_of(("conv1", "fca", "fcb", "fc2"), learned)


def graph_of(conv, fca, fcb, *, period=0, dialect="convnet", layers=LAYERS):
    texts = layers.format(conv=conv, fca=fca, fcb=fcb), params(period)
    return small_nets.graph_of(*texts, dialect=dialect)


def network_of(*gpus, minibatch=16, update_every=1, **options):
    network = Network(
        graph_of(*gpus, **options), minibatch, Engine(np.float64), seed=1, update_every=update_every
    )
    for buffer, memory in network.engine.memory.items():
        if buffer.dtype == "real" and buffer.role not in ("weights", "velocity"):
            memory[:] = np.nan  # what is read before it is written shows
    return network


def train(network, cases=16, steps=5, start=0):
    costs = []
    for step in range(start, start + steps):
        network.load(batch_of(step, cases))
        network.set_rates(0)
        network.run("train")
        costs.append(network.costs()["logprob"])
    return np.array(costs)


def assert_same_weights(network, other):
    for name, parameter in network.parameters.items():
        np.testing.assert_allclose(
            network.read(parameter), other.read(other.parameters[name]), rtol=1e-12, atol=1e-13
        )


SPREADS = {
    "two replicas of all": ("0,1", "0,1", "0,1"),
    "four replicas of all": ("0,1,2,3", "0,1,2,3", "0,1,2,3"),
    "four over one": ("0,1,2,3", "0", "0"),
    "four over two models": ("0,1,2,3", "2", "1"),
    "four over two replicas": ("3,1,2,0", "1,0", "1,0"),
    "two over one": ("0,1", "1", "0"),
}


@pytest.mark.parametrize("cases", [16, 13, 5, 2])
@pytest.mark.parametrize("spread", SPREADS)
def test_same_as_one_device(spread, cases):
    """Also where the last microbatches are short or empty."""
    gpus = SPREADS[spread]
    if spread == "four over two models":
        gpus = ("0,1,2,3", "2", "1")
    one, several = network_of("0", "0", "0"), network_of(*gpus)
    np.testing.assert_allclose(train(several, cases), train(one, cases), rtol=1e-12)
    assert_same_weights(several, one)
    for parameter in several.plan.parameters:
        for _, value, _ in parameter.replicas:
            assert np.array_equal(several.engine.read(value, 1), several.read(parameter))


@pytest.mark.parametrize("spread", ["two replicas of all", "four replicas of all", "four over one"])
def test_a_sum_over_minibatches_that_begins_without_cases(spread):
    """What a replica computed before must not be added where a short minibatch leaves it empty."""
    one = network_of("0", "0", "0", update_every=2)
    several = network_of(*SPREADS[spread], update_every=2)
    for network in (one, several):
        train(network, 16, steps=2)
        train(network, 1, steps=1, start=2)
        train(network, 16, steps=1, start=3)
        train(network, 16, steps=1, start=4)
        train(network, 1, steps=1, start=5)
    assert_same_weights(several, one)


@pytest.mark.parametrize("spread", SPREADS)
def test_gradients_and_outputs_of_the_whole_minibatch(spread):
    one, several = network_of("0", "0", "0"), network_of(*SPREADS[spread])
    for network in (one, several):
        network.load(batch_of(0, 16))
        network.run("gradients")
    for name, parameter in several.parameters.items():
        np.testing.assert_allclose(
            several.read_gradient(parameter),
            one.read_gradient(one.parameters[name]),
            rtol=1e-11,
            atol=1e-13,
        )
    for name in ("conv1", "pool1", "probs"):
        np.testing.assert_allclose(several.output(name), one.output(name), rtol=1e-12, atol=1e-14)


def test_single_layers_update_in_every_pass():
    """cuda-convnet2 without an update period: each pass is a minibatch of its own above conv."""
    network = network_of("0,1,2,3", "0", "0", dialect="cc2")
    periods = {p.unit.node.name: p.every for p in network.plan.parameters}
    assert periods == {"conv1": 4, "fca": 1, "fcb": 1, "fc2": 1}
    start = {name: network.read(p) for name, p in network.parameters.items()}
    network.load(batch_of(0, 16))
    network.set_rates(0)
    network.run("train")
    by_hand = four_small_minibatches(start)
    for name, weights in by_hand.items():
        np.testing.assert_allclose(network.read(network.parameters[name]), weights, rtol=1e-11)


def four_small_minibatches(start):
    """The same step by one device: the layers above conv learn from 4 cases at a time."""
    network = network_of("0", "0", "0", minibatch=4)
    for name, parameter in network.parameters.items():
        network.write(parameter, start[name])
    whole = batch_of(0, 16)
    sums = {"conv1.weights.0": 0.0, "conv1.biases": 0.0}
    for number in range(4):
        part = {i: m[:, 4 * number : 4 * number + 4] for i, m in whole.items()}
        network.load(part)
        network.set_rates(0)
        network.run("train")
        for name in sums:
            sums[name] = sums[name] + network.read_gradient(network.parameters[name])
            network.write(network.parameters[name], start[name])
    found = {name: network.read(p) for name, p in network.parameters.items() if name not in sums}
    for name, gradient in sums.items():
        decay = 0.01 if "weights" in name else 0.0
        found[name] = start[name] - 0.1 * gradient / 16 - 0.1 * decay * start[name]
    return found


def test_update_period_of_all_passes_is_synchronous():
    one = network_of("0", "0", "0")
    several = network_of("0,1,2,3", "0", "1", period=4, dialect="cc2")
    np.testing.assert_allclose(train(several), train(one), rtol=1e-12)
    assert_same_weights(several, one)


def test_a_long_update_period_sums_minibatches():
    """updatePeriod of two minibatches' passes: the step that one minibatch of 32 would make."""
    several = network_of("0,1,2,3", "0", "1", period=8, dialect="cc2")
    assert several.plan.variants == 2
    one = network_of("0", "0", "0", minibatch=32)
    train(several, steps=2)
    first, second = batch_of(0, 16), batch_of(1, 16)
    one.load({i: np.concatenate([first[i], second[i]], axis=1) for i in first})
    one.set_rates(0)
    one.run("train")
    assert_same_weights(several, one)


def test_summing_gradients_of_several_minibatches():
    summed = network_of("0", "0", "0", update_every=2)
    one = network_of("0", "0", "0", minibatch=32)
    train(summed, steps=2)
    first, second = batch_of(0, 16), batch_of(1, 16)
    one.load({i: np.concatenate([first[i], second[i]], axis=1) for i in first})
    one.set_rates(0)
    one.run("train")
    assert_same_weights(summed, one)


def test_resuming_between_two_updates(tmp_path):
    """The sums of gradients are in the checkpoint."""
    unbroken = network_of("0,1,2,3", "0", "1", period=12, dialect="cc2")
    train(unbroken, steps=4)
    first = network_of("0,1,2,3", "0", "1", period=12, dialect="cc2")
    train(first, steps=2)
    path = tmp_path / "half.safetensors"
    checkpoint.save(path, checkpoint.Checkpoint.of(first))
    second = network_of("0,1,2,3", "0", "1", period=12, dialect="cc2")
    checkpoint.restore(second, checkpoint.load(path))
    train(second, steps=2, start=2)
    for name, parameter in unbroken.parameters.items():
        assert np.array_equal(unbroken.read(parameter), second.read(second.parameters[name]))


def test_the_plan_shows_copies_and_reductions():
    network = network_of("0,1,2,3", "0", "1")
    steps = network.plan.programs["train"]
    reduced = [s for s in steps if s.operation == "transfer.copy" and s.phase == "update"]
    assert len(reduced) == 2 * (3 + 3)  # weights and biases of conv1: gradients in, weights out
    assert {s.number for s in steps if s.phase == "forward"} == {0, 1, 2, 3}
    conv = [s for s in steps if s.operation == "conv.forward_fused"]
    assert [s.device for s in conv] == [0, 1, 2, 3]
    assert {s.number for s in conv} == {0}
    assert {s.number for s in steps if s.operation == "conv.weights_grad"} == {3}


def test_memory_is_that_of_a_microbatch():
    whole, quarter = network_of("0", "0", "0"), network_of("0,1,2,3", "0", "0")
    assert quarter.plan.capacity == 4
    sizes = [
        next(b for b in n.plan.buffers if b.name.startswith("pool1")).bytes(n.plan.capacity, 4)
        for n in (whole, quarter)
    ]
    assert sizes[0] == 4 * sizes[1]


def test_the_description_counts_microbatches():
    facts = network_summary(graph_of("0,1", "0,1", "0,1"), 16)
    to_data = [copy["bytes"] for copy in facts["copies"] if copy["layer"] == "data"]
    assert to_data == [VALUES * 8 * 4] * 2
    assert {row["name"]: row for row in facts["layers"]}["conv1"]["placed"] == [0, 1]


def test_units_of_replicas():
    graph = graph_of("0,1,2,3", "1,0", "1,0")
    rounds = rounds_of(graph)
    assert (rounds.microbatches, rounds.passes) == (4, 2)
    units = {unit.name: unit for unit in place(graph)}
    assert units["conv1:2"].device == 2
    assert units["fca:0"].microbatches == (0, 2)
    assert units["fca:1"].microbatches == (1, 3)
    assert units["fca:0"].period == 1
    assert units["conv1:0"].period == 2


@pytest.mark.parametrize(
    ("gpus", "message"),
    [
        (("0,1,2", "0,1", "0,1"), "2 replicas do not divide those of its inputs"),
        (("0,1,2,3", "0,1", "0"), "equal numbers of replicas"),
    ],
)
def test_numbers_that_do_not_fit(gpus, message):
    with pytest.raises(SpecError, match=message):
        place(graph_of(*gpus))


def test_dropout_masks_differ_between_replicas_and_turns():
    dropped = "[both]\ntype=dropout2\ninputs=fca\n[other]\ntype=cost.sum2\ninputs=fcb\n"
    layers = LAYERS.replace(BOTH, dropped).format(conv="0,1", fca="0,1", fcb="0,1")
    sections = params(0) + "[both]\nkeep=0.5\n[other]\ncoeff=0\n"
    graph = small_nets.graph_of(layers, sections, dialect="convnet")
    network = Network(graph, 16, Engine(np.float64), seed=1)
    train(network, steps=1)
    masks = [b for b in network.plan.buffers if b.name.endswith(".mask")]
    values = [network.engine.memory[mask].copy() for mask in masks]
    assert len(values) == 2 and not np.array_equal(*values)
