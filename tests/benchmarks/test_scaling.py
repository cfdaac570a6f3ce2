"""Predicted timelines: small ones by hand, those of plans, and of many devices."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest

from benchmarks.scaling.__main__ import PROFILE, predictions, scaled
from benchmarks.scaling.from_plan import Link, measured_steps, tasks_of
from benchmarks.scaling.growth import WAYS, predict
from benchmarks.scaling.plot import plot
from benchmarks.scaling.profile import Layer, Profile, measure, read_profile
from benchmarks.scaling.timeline import Task, simulate
from convnet.backends.cpu.engine import Engine
from convnet.network.network import Network
from convnet.network.partitions import Partitioning
from convnet.network.planner import make_plan
from tests.support.paths import ROOT
from tests.support.small_nets import batch_of, replicated_graph

FAST = Link(0.0, 1e30)
ONE = Profile(
    "two layers",
    10,
    "none",
    [Layer("conv", 2.0, 4.0, 0.0, 1000, 500, False), Layer("fc", 1.0, 2.0, 1.0, 9000, 300, True)],
)

# -- the timeline ----------------------------------------------------------------------------------


def test_a_message_starts_with_its_producer_done_and_its_reader_waits():
    tasks = [
        Task(2, rank="a"),
        Task(3, (0,), uses=("a to b",)),
        Task(1, rank="a"),
        Task(1, rank="b"),
        Task(1, (1,), rank="b"),
    ]
    found = simulate(tasks)
    assert found.starts == [0, 2, 2, 0, 5] and found.seconds == 6
    assert found.waiting == {"a": pytest.approx(1 / 2), "b": pytest.approx(2 / 3)}


def test_a_rank_keeps_its_order():
    """The second task could run at once, and does not overtake the one that waits."""
    found = simulate([Task(5, rank="a"), Task(1, (0,), rank="b"), Task(1, rank="b")])
    assert found.starts == [0, 5, 6]


def test_a_link_carries_one_message_at_a_time_the_one_that_was_ready_first():
    slow_first = [
        Task(4, rank="a"),
        Task(1, rank="b"),
        Task(2, (0,), uses=("link",)),
        Task(9, (1,), uses=("link",)),
        Task(2, (1,), uses=("other",)),
    ]
    assert simulate(slow_first).starts == [0, 0, 10, 1, 1]


def test_a_task_waits_for_earlier_ones_only():
    with pytest.raises(ValueError, match="task 0 waits for task 1"):
        simulate([Task(1, (1,), rank="a"), Task(1, rank="a")])


# -- of a plan -------------------------------------------------------------------------------------


def plan_of(conv, fc):
    return make_plan(replicated_graph(conv, fc), 16, partitioning=Partitioning(rows=16))


def timeline(plan, rank_of, link):
    steps = plan.programs["train"]
    tasks = tasks_of(plan, steps, [1e-3] * len(steps), rank_of, link)
    return steps, tasks, simulate(tasks)


def test_on_one_rank_there_are_no_messages():
    steps, tasks, found = timeline(plan_of("0,1", "0,1"), lambda _: 0, FAST)
    assert all(task.rank == 0 for task in tasks)
    assert found.seconds == pytest.approx(1e-3 * len(steps)) and found.waiting[0] < 1e-9


def test_on_two_ranks_copies_become_messages_that_start_early():
    steps, tasks, found = timeline(plan_of("0,1", "0,1"), lambda d: d, Link(1e-6, 1e9))
    messages = [n for n, task in enumerate(tasks) if task.rank is None]
    assert [steps[n].operation for n in messages] == ["transfer.copy"] * len(messages)
    copies = [s for s in steps if s.operation == "transfer.copy" and s.phase == "update"]
    assert len(messages) == len(copies)
    gradient = next(n for n in messages if "fc2" in str(steps[n]) and "gradient" in str(steps[n]))
    backward = [n for n, s in enumerate(steps) if s.phase == "backward" and "conv1" in s.layer]
    assert found.starts[gradient] < found.starts[backward[-1]] < found.starts[gradient + 1]
    assert found.seconds < 0.6e-3 * len(steps)


def test_rows_that_do_not_overlap_do_not_wait_for_each_other():
    """New weights arrive in one half of an array while its owner updates the other half."""
    steps, tasks, _ = timeline(plan_of("0,1", "0,1"), lambda d: d, FAST)
    sent = [n for n, s in enumerate(steps) if "copy" in s.operation and s.phase == "update"]
    sent = [n for n in sent if steps[n].views()[0].buffer.role == "weights"]
    assert len(sent) == 6  # biases have one partition
    for n in sent:
        target = steps[n].views()[1].device
        updates = [o for o in tasks[n].after if steps[o].operation == "update.sgd"]
        assert updates and target not in {steps[o].device for o in updates}


def test_what_a_slow_network_sends_decides_the_time():
    plan, size = plan_of("0,1", "0,1"), 4 * (288 + 16 + 720 + 5)
    steps, _, found = timeline(plan, lambda d: d, Link(0.0, 1000.0))
    # each port sends half of the gradients, then half of the weights
    assert found.seconds == pytest.approx(size / 1000, rel=0.05)
    assert min(found.waiting.values()) > 0.9


def test_links_between_pairs_do_not_share_a_port():
    plan = plan_of("0,1,2,3", "0,1,2,3")
    port, pairs = (
        timeline(plan, lambda d: d, Link(0.0, 1000.0, shared))[2].seconds
        for shared in (True, False)
    )
    assert pairs < port / 2


def test_steps_are_measured():
    network = Network(replicated_graph("0", "0"), 16, Engine(), seed=1)
    network.load(batch_of(0, 16))
    network.set_rates(0)
    seconds = measured_steps(network, repeats=2)
    assert len(seconds) == len(network.plan.programs["train"]) and min(seconds) > 0
    profile = measure(network, "small", "any", repeats=1)
    layers = {layer.name: layer for layer in profile.layers}
    assert layers["conv1"].weights == 304 and not layers["conv1"].full
    assert layers["fc2"].weights == 725 and layers["fc2"].inputs == 144
    assert layers["logprob"].full and layers["pool1"].update == 0
    assert all(layers[n].update > 0 < layers[n].backward for n in ("conv1", "fc2"))


# -- of many devices -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_one_device_takes_the_time_of_the_profile(way):
    found = predict(ONE, way, 1, Link(1.0, 1.0))
    assert found.seconds == pytest.approx(ONE.seconds) and found.waiting == pytest.approx(0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("devices", [2, 8])
def test_a_network_without_cost_loses_nothing(way, devices):
    found = predict(ONE, way, devices, FAST)
    assert found.waiting == pytest.approx(0)
    assert found.speedup == pytest.approx(devices, rel=0.1)


def test_what_each_way_sends():
    """Over a network so slow that nothing else counts; 4 bytes a value, both directions in turn."""
    seconds = {way: predict(ONE, way, 4, Link(0.0, 1.0)).seconds for way in WAYS}
    weights, conv, inputs = 10_000, 1000, 300 * 10
    assert seconds["data"] == pytest.approx(2 * 4 * weights * 3 / 4, rel=1e-3)
    assert seconds["model"] == pytest.approx(2 * 4 * inputs * 3, rel=1e-3)
    passes = 4 * 2 * 4 * inputs * 3
    exchange = 2 * 4 * conv * 3 / 4
    assert seconds["hybrid"] == pytest.approx(passes + exchange, rel=1e-3)
    assert seconds["balanced hybrid"] == pytest.approx(passes / 4 + exchange, rel=1e-3)


def test_the_plan_and_the_model_of_many_devices_agree():
    """Two replicas of a small network on a slow network, once step by step."""
    link = Link(1e-4, 1e5)
    _, _, stepwise = timeline(plan_of("0,1", "0,1"), lambda d: d, link)
    times = {"forward": 2e-3, "backward": 2e-3, "update": 4e-3}
    layers = [
        Layer("conv1", **times, weights=304, inputs=72, full=False),
        Layer("fc2", **times, weights=725, inputs=144, full=True),
    ]
    found = predict(Profile("small", 8, "none", layers), "data", 2, link)
    assert found.seconds == pytest.approx(stepwise.seconds, rel=0.2)


def test_the_stored_profile_is_of_alexnet():
    profile = read_profile(PROFILE)
    assert profile.minibatch == 128
    assert sum(layer.weights for layer in profile.layers) == 60_965_224
    assert scaled(profile, 0.5).seconds == pytest.approx(0.5)


def test_the_picture_and_the_command(tmp_path):
    found = predictions(scaled(read_profile(PROFILE), 0.392), Link(20e-6, 6e9))
    lines = ElementTree.fromstring(plot(found)).findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 1 + len(WAYS)
    command = [sys.executable, "-m", "benchmarks.scaling", "--out", str(tmp_path / "plot.svg")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "data" in done.stdout and (tmp_path / "plot.svg").read_text() == plot(found)
    assert (ROOT / "docs/scaling.svg").read_text() == plot(found)
