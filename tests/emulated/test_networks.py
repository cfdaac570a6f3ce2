"""Whole networks in training: the packaged digits, and a narrow AlexNet on two devices."""

import json
import subprocess
import sys

import numpy as np
import pytest
from numba import cuda

from benchmarks.gpu import ours, training
from benchmarks.gpu.settings import Settings
from convnet import checkpoint
from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from convnet.network.network import Network
from convnet.network.partitions import Partitioning
from tests.support.paths import ROOT
from tests.support.small_nets import batch_of, replicated_graph

DIGITS = "--layers", "layers/digits.cfg", "--params", "params/digits.params"
NARROW = Settings(divisor=8, side=67)  # an eighth of the filters and units
COSTS = 1e-5  # relative; float32 on the CPU agrees with float64 to 1e-7


def convnet(*arguments, emulated):
    command = [sys.executable, "-m", "emulator", "convnet"]
    if not emulated:
        command = [sys.executable, "-c", "from convnet.cli import main; main()"]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def costs_of(folder):
    lines = (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [cost for r in records if r["event"] == "train" for cost in flat(r["costs"])]


def flat(found):
    if isinstance(found, dict):
        return [value for item in found.values() for value in flat(item)]
    return [found] if isinstance(found, int | float) else []


def test_three_minibatches_of_digits_as_on_the_cpu_and_resumed(tmp_path):
    common = *DIGITS, "--minibatch", "32"
    for device in ("cuda", "cpu"):
        where = "--device", device, "--save", str(tmp_path / device)
        convnet("train", *common, *where, "--max-batches", "3", emulated=device == "cuda")
    found, expected = costs_of(tmp_path / "cuda"), costs_of(tmp_path / "cpu")
    assert len(found) >= 3 and np.allclose(found, expected, rtol=COSTS)
    again = "--device", "cuda", "--save", str(tmp_path / "again")
    convnet("train", *common, *again, "--max-batches", "2", emulated=True)
    rest = "train", "--device", "cuda", "--resume", str(tmp_path / "again"), "--max-batches", "1"
    convnet(*rest, emulated=True)
    one, other = (training.weights(tmp_path / name) for name in ("cuda", "again"))
    assert one and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.skipif(len(cuda.gpus) < 2, reason="EMULATOR_GPUS=2 emulates two GPUs")
def test_a_narrow_alexnet_on_two_gpus():
    """Two minibatches: launched, then captured."""
    graph = ours.alexnet(NARROW, "alexnet")
    networks = (
        Network(graph, 8, engine, seed=1) for engine in (Engine((0, 1)), CpuEngine(np.float64))
    )
    found, expected = (training.costs(network, graph, 8, steps=2) for network in networks)
    assert found[0] != found[1] and np.allclose(found, expected, rtol=COSTS)


@pytest.mark.skipif(len(cuda.gpus) < 2, reason="EMULATOR_GPUS=2 emulates two GPUs")
@pytest.mark.parametrize("extra", ["", "wball=0.2\n", "superEps=5\n"])
def test_replicas_on_two_gpus_share_out_their_updates(extra):
    """The same bits as with one owner, and the CPU's costs; launched, then captured."""
    graph = replicated_graph("0,1", "0,1", extra=extra)
    shared_out = Network(graph, 8, Engine((0, 1)), seed=1, partitioning=Partitioning(rows=16))
    alone = Network(graph, 8, Engine((0, 1)), seed=1, partitioning=Partitioning(rows=16, most=1))
    on_cpu = Network(graph, 8, CpuEngine(np.float64), seed=1)
    assert {len(p.partitions) for p in shared_out.plan.parameters} == {1, 2}
    found, same, expected = (trained(network) for network in (shared_out, alone, on_cpu))
    assert np.array_equal(found, same) and np.allclose(found, expected, rtol=COSTS)
    saved = [checkpoint.Checkpoint.of(network).arrays for network in (shared_out, alone)]
    for name, array in saved[0].items():
        assert array.tobytes() == saved[1][name].tobytes(), name
    for parameter in shared_out.plan.parameters:
        first, second = (shared_out.engine.read(r.value, 1) for r in parameter.all_replicas())
        assert first.tobytes() == second.tobytes(), parameter.name


def trained(network, steps=3):
    costs = []
    for step in range(steps):
        network.load(batch_of(step, 8))
        network.set_rates(0)
        network.run("train")
        costs.append(network.costs()["logprob"])
    return costs
