"""What `make gpu` measures and compares, at tiny sizes on the CPU, and its arithmetic."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.cases import BY_NAME

torch = pytest.importorskip("torch", reason="PyTorch is not installed; it comes with .[bench]")

from benchmarks.gpu import (  # noqa: E402
    busy,
    layers,
    ours,
    products,
    sanitizer,
    sizes,
    steps,
    their_layers,
    theirs,
    timing,
    traffic,
    training,
)
from benchmarks.gpu.records import Failed  # noqa: E402
from benchmarks.gpu.settings import Settings  # noqa: E402
from benchmarks.graphs import shipped_graph  # noqa: E402
from convnet.backends.cpu.engine import Engine  # noqa: E402
from convnet.network.network import Network  # noqa: E402
from convnet.network.planner import make_plan  # noqa: E402

TINY = Settings(False, (2, 3), 16, 67, 1, ("fp32", "bf16"), "cpu")  # PyTorch is timed too
PEAKS = {"bandwidth": 4.3e12, "fp32": 60e12, "tf32": 400e12, "bf16": 790e12}


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    """Our CPU engine stands in for the CUDA engine."""
    monkeypatch.setattr(ours, "engine", lambda gpus, precision, graphs: Engine(np.float32))
    monkeypatch.setattr(layers, "REPEATS", 2)
    monkeypatch.setattr(timing, "ROUND_SECONDS", 0.0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# -- times ------------------------------------------------------------------


class Clock:
    """Time passes when a candidate's work is waited for."""

    def __init__(self):
        self.now, self.queued = 0.0, 0.0

    def __call__(self):
        return self.now

    def candidate(self, name, seconds, fails_at=None):
        calls = []

        def call():
            calls.append(name)
            if len(calls) == fails_at:
                raise MemoryError("no room")
            self.queued += seconds

        def wait():
            self.now, self.queued = self.now + self.queued, 0.0

        return timing.Candidate(name, call, wait)


def test_candidates_are_timed_in_turn_until_all_their_work_is_done():
    clock = Clock()
    found = [clock.candidate("a", 0.002), clock.candidate("b", 0.5)]
    times = timing.interleaved(found, 4, seconds=0.03, clock=clock)
    assert times["a"] == {"ms": 2.0, "least": 2.0, "most": 2.0}
    assert times["b"]["ms"] == 500.0
    assert [candidate.calls for candidate in found] == [15, 1], "short ones are repeated"
    assert timing.ratio(times["b"], times["a"]) == 250.0


def test_a_candidate_that_fails_is_left_out():
    clock = Clock()
    found = [clock.candidate("a", 0.1), clock.candidate("b", 0.1, fails_at=7)]
    times = timing.interleaved(found, 5, seconds=0.1, clock=clock)
    assert times["a"]["ms"] == 100.0
    assert times["b"] == {"error": "MemoryError: no room"}
    assert timing.ratio(times["b"], times["a"]) is None


def test_the_hosts_time_ends_when_the_call_returns():
    clock = Clock()

    def call():
        clock.now += 40e-6
        clock.queued += 1.0

    def wait():
        clock.now, clock.queued = clock.now + clock.queued, 0.0

    assert timing.host_seconds(call, wait, 5, clock) == pytest.approx(40e-6)


def test_idle_time_is_what_no_kernel_covers():
    def event(start, duration, name="k", kind="kernel"):
        return {"ph": "X", "cat": kind, "ts": start, "dur": duration, "name": name}

    events = [event(100, 50), event(120, 50, "m", "gpu_memcpy"), event(190, 10),
              event(0, 1000, "host", "cpu_op"), {"ph": "M", "name": "x"}]  # fmt: skip
    found = busy.summary(events, 2)
    assert found["ms"] == 0.05 and found["idle share"] == 0.2 and found["kernels"] == 2
    assert found["longest us"] == {"k": 30.0, "m": 25.0}
    assert busy.summary([], 2) == {"kernels": 0}


# -- floors ------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan():
    return make_plan(shipped_graph("alexnet-groups"), 128)


def test_operations_of_alexnet(plan):
    steps = plan.programs["test"]
    assert sum(traffic.flops(step, 128) for step in steps) == 2 * 128 * 724_406_816
    conv2 = next(s for s in steps if s.layer == "conv2" and traffic.is_product(s))
    assert traffic.flops(conv2, 128) == 2 * 128 * 48 * 25 * 256 * 27 * 27


@pytest.mark.parametrize(("precision", "expected"), [("fp32", 8.82), ("tf32", 1.38)])
def test_floors_of_products_are_those_worked_out_by_hand(plan, precision, expected):
    steps = [step for step in plan.programs["train"] if traffic.is_product(step)]
    found = sum(traffic.floor_seconds(step, 128, precision, PEAKS) for step in steps)
    assert 1e3 * found == pytest.approx(expected, rel=0.02)


def test_updates_move_twenty_bytes_a_weight(plan):
    updates = [step for step in plan.programs["train"] if step.operation == "update.sgd"]
    assert sum(traffic.bytes_moved(step, 128) for step in updates) == pytest.approx(
        20 * 60_965_224, rel=1e-4
    )


def test_what_a_step_adds_to_is_read_too():
    found = {}
    plan = make_plan(shipped_graph("alexnet"), 2)
    for step in plan.programs["train"]:
        if step.operation == "fc.inputs_grad" and step.layer == "fc7a":
            found[traffic.adds(step)] = traffic.bytes_moved(step, 2)
    assert found[True] - found[False] == 4 * 2048 * 2


# -- the network in PyTorch ------------------------------------------------------------------


def test_our_floor_and_their_network_are_of_one_size():
    graph = shipped_graph("alexnet-groups")
    with torch.device("meta"):
        net = theirs.net_of(graph)
    assert sum(array.numel() for array in net.parameters()) == 60_965_224
    assert sum(isinstance(m, torch.nn.Dropout) for m in net.modules()) == 2


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_their_steps_run_in_each_precision_and_layout(precision, layout):
    trainer = theirs.Trainer(ours.alexnet(TINY), 2, precision, layout, "cpu")
    before = [array.clone() for array in trainer.net.parameters()]
    trainer.train()
    cost, first, five = trainer.test()
    assert torch.isfinite(cost) and 0 <= first <= five <= 2
    after = trainer.net.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), "a rate of zero"
    assert all(array.grad is not None for array in trainer.net.parameters())


# -- checks ------------------------------------------------------------------


def test_a_whole_step_is_judged():
    bench = steps.Bench(TINY)
    bench.peaks = PEAKS
    found = bench.step("fp32", 2)
    for program in ("train", "test"):
        judged = found[program]
        assert set(judged["times"]) >= {"ours", "ours, upload", "torch fp32, nhwc"}
        assert len(judged["times"]) == 4
        assert not any("error" in times for times in judged["times"].values()), judged["times"]
        assert judged["ratio"] > 0 and judged["best torch"].startswith("torch fp32,")
    assert found["memory"]["ours planned"] > 4 * sum(
        parameter.value.size for parameter in make_plan(bench.graph, 2).parameters
    )
    later = bench.step("fp32", 3)
    layout = found["train"]["best torch"].split(", ")[1]
    assert set(later["train"]["times"]) == {"ours", "ours, upload", f"torch fp32, {layout}"}
    json.dumps(found)


def test_the_hosts_time_and_two_devices_are_measured():
    bench = steps.Bench(TINY)
    assert bench.host("fp32")["step us"] > 0
    found = bench.two_devices("fp32")
    assert set(found["times"]) == {"one", "two", "grouped"} and found["two / one"] > 0


def test_names_of_the_checks_of_whole_steps():
    names = [name for name, _ in steps.checks(TINY)]
    assert names[:3] == ["peaks", "step fp32 2", "step bf16 2"]
    assert names[-1] == "step bf16 3" and len(names) == len(set(names))


def test_each_kind_of_layer_is_timed_beside_pytorch():
    bench = layers.Layers(TINY)
    bench.peaks = PEAKS
    found = {}
    for step in layers.distinct(bench.network(2, "fp32")):
        if step.operation not in found and step.layer not in ("conv3", "conv4"):
            found[step.operation] = bench.timed(step, 2)
    for operation, figures in found.items():
        for judged in figures["by precision"].values():
            assert not any("error" in t for t in judged["times"].values()), (operation, judged)
            assert (judged["ratio"] is not None) == (operation in their_layers.MADE), operation
    assert set(found["conv.weights_grad"]["by precision"]) == {"fp32", "bf16"}
    assert "bandwidth share" in found["pool.forward"]["by precision"]["fp32"]
    assert set(their_layers.MADE) - set(found) == {"conv.forward", "fc.forward"}
    json.dumps(found)


@pytest.mark.parametrize("name", ["alexnet-groups", "alexnet"])
def test_steps_have_names_of_their_own(name):
    """A check whose name has begun is not run again."""
    plan = make_plan(ours.alexnet(TINY, name, devices=1), 2)
    steps = layers.distinct(SimpleNamespace(plan=plan))
    named = {layers.label(step) for step in steps}
    assert len(named) == len(steps) > 40


@pytest.fixture(scope="module")
def walk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "engine", lambda gpus, precision, graphs: Engine(np.float32))
        graph = ours.alexnet(TINY)
        return sizes.Walk(ours.network(graph, 2, graphs=False), TINY)


def test_every_step_agrees_with_float64(walk):
    for number, step in enumerate(walk.steps):
        error = walk.check(number)["fp32"]
        assert error < 1e-6, str(step)


def test_a_wrong_number_is_found(walk, monkeypatch):
    number = next(n for n, s in enumerate(walk.steps) if s.operation == "conv.weights_grad")
    read = walk.engine.read

    def wrong(view, cases):
        found = read(view, cases)
        if view is walk.steps[number].arguments[2]:
            found.flat[found.size // 2] += np.abs(found).max()
        return found

    monkeypatch.setattr(walk.engine, "read", wrong)
    with pytest.raises(Failed, match="fp32"):
        walk.check(number)


def test_a_number_that_is_not_written_is_found(walk, monkeypatch):
    number = next(n for n, s in enumerate(walk.steps) if s.operation == "pool.forward")
    monkeypatch.setattr(walk, "run", lambda step, precision: None)
    with pytest.raises(Failed):
        walk.check(number)


def test_products_in_float64_are_those_of_the_cpu_engine(walk):
    """Two ways to the same reference."""
    walk.made.run("train")
    for step in (s for s in walk.steps if traffic.is_product(s)):
        before = {view: walk.engine.read(view, 2) for view, _, _ in traffic.touched(step)}
        expected = sizes.on_cpu(step, before, 2)
        for view, values in products.in_float64(step, before, 2, "cpu").items():
            assert sizes.relative(values, expected[view]) < 1e-12, str(step)


def test_the_cpu_gets_the_arrays_that_the_gpu_does_without(walk):
    walk.made.run("train")
    step = next(s for s in walk.steps if s.operation == "cmrnorm.backward")
    before = {view: walk.engine.read(view, 2) for view in step.views()}
    expected = sizes.on_cpu(step, before, 2)
    x, y, dy, denominators, *others = step.arguments
    spared = replace(step, arguments=(x, None, dy, None, *others))
    left = {view: values for view, values in before.items() if view not in (y, denominators)}
    found = sizes.on_cpu(spared, left, 2)
    assert found.keys() == expected.keys() and len(found) == 1
    for view, values in found.items():
        np.testing.assert_allclose(values, expected[view], rtol=1e-12)


def test_a_small_grid_is_no_reason_to_warn():
    """Warnings are errors here; without a GPU a launch gets as far as its grid."""
    from convnet.backends.cuda.kernels.totals import _total

    assert _total.dispatcher[(1,), 32, 0] is not None


# -- training, sanitizer ------------------------------------------------------------------


def test_speed_is_that_of_the_later_half():
    def record(rate, seconds, share):
        return {"event": "train", "images_per_second": rate, "seconds": seconds,
                "wait_share": share}  # fmt: skip

    journal = [record(1, 9, 1.0), {"event": "save"}, record(100, 1, 0.5), record(200, 3, 0.1)]
    assert training.speed(journal) == {"images/s": 175.0, "wait share": 0.2}
    assert training.speed([]) == {}


def test_costs_of_the_same_network_agree_and_fall_apart_otherwise():
    graph = ours.alexnet(TINY, "alexnet")
    found = [training.costs(Network(graph, 2, Engine(r), seed=s), graph, 2)
             for r, s in ((np.float32, 1), (np.float64, 1), (np.float32, 2))]  # fmt: skip
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert found[0] != pytest.approx(found[2], rel=1e-6)


def test_commands_that_fail_are_told(tmp_path, monkeypatch):
    def run(command, **options):
        assert command[-4:] == ["--device", "cuda", "--save", str(tmp_path / "x")]
        return SimpleNamespace(returncode=1, stderr="there is no GPU 3")

    monkeypatch.setattr(training.subprocess, "run", run)
    with pytest.raises(Failed, match="code 1: there is no GPU 3"):
        training.Runs(Settings(), tmp_path).train("x")


def test_the_sanitizers_word_is_read():
    clean = "row done\n========= ERROR SUMMARY: 0 errors\n"
    assert sanitizer.judged(clean, 0) == {"errors": 0, "rows": 1}
    races = "row done\n========= RACECHECK SUMMARY: 3 hazards displayed (3 errors)\n"
    with pytest.raises(Failed, match="3 hazards"):
        sanitizer.judged(races, 0)
    with pytest.raises(Failed, match="no kernel"):
        sanitizer.judged("no kernel", 1)


def test_rows_for_the_sanitizer_exist():
    assert not set(sanitizer.ROWS) - set(BY_NAME)
