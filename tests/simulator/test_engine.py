"""The CUDA engine in the simulator: several devices, short minibatches, what steps write."""

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine, written
from convnet.errors import DeviceError
from convnet.network.memory import View
from convnet.network.network import Network
from tests.backends.cuda.test_stream_schedule import LAYERS, PARAMS
from tests.support.cases import BY_NAME, CASES
from tests.support.cuda_rows import network_of, trained, two_devices
from tests.support.disturb import disturb
from tests.support.rows import graph_of


@pytest.mark.parametrize("gpus", [(0, 0)])
def test_two_devices_train_as_on_the_cpu(gpus):
    expected = trained(two_devices(CpuEngine(np.float64)))
    found = trained(two_devices(Engine(gpus)))
    for mine, theirs in zip(found, expected, strict=True):
        assert np.linalg.norm(mine - theirs) < 2e-5 * np.linalg.norm(theirs)


def test_a_run_repeats_bit_for_bit():
    first, second = (trained(two_devices(Engine((0, 0)))) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("row", CASES[::3], ids=[row.name for row in CASES[::3]])
def test_steps_change_only_what_they_declare(row):
    """Otherwise concurrent copies would read what is just being written."""
    network = network_of(row, Engine((0,)))
    engine = network.engine
    network.run("gradients")
    for step in network.plan.programs["gradients"]:
        writes = written(step)
        disturb(engine, step, row.cases, writes)
        views = [(n, a) for n, a in enumerate(step.arguments) if isinstance(a, View)]
        kept = [(a, engine.read(a, row.cases)) for n, a in views if n not in writes]
        changed = [a for n, a in views if n in writes]
        engine.program([step], (row.cases,)).run()
        for view, before in kept:
            if not any(view.buffer is other.buffer for other in changed):
                after = engine.read(view, row.cases)
                assert np.array_equal(before, after, equal_nan=True), (step.operation, view)


def test_dropout_masks_are_those_of_the_cpu():
    row = BY_NAME["dropout: the key"]
    masks = []
    for engine in (CpuEngine(np.float32), Engine((0,))):
        network = network_of(row, engine)
        network.set_rates(0.0)
        network.run("train")
        network.engine.synchronize()
        for buffer, memory in network.engine.memory.items():
            if buffer.dtype == "uint8":
                view = buffer.view()
                masks.append(network.engine.read(view, row.cases))
                assert memory is not None
    half = len(masks) // 2
    assert half and all(np.array_equal(masks[i], masks[half + i]) for i in range(half))
    assert 0 < masks[0].mean() < 1


def test_a_network_beyond_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(Engine, "_free", lambda self: {0: 400 << 20})
    with pytest.raises(DeviceError, match="GPU 0 has 0.42 GB free.*Lower --minibatch"):
        Network(
            graph_of(LAYERS, PARAMS + "\n[cost]\ncoeff=1\n", {0: 192, 1: 1}),
            200_000,
            Engine((0, 0)),
        )


def test_memory_that_no_step_touches_is_not_taken():
    """Denominators of response normalization that windows in registers do without."""
    for name, are_taken in (("cmrnorm: odd", False), ("cmrnorm: blocked", True)):
        network = network_of(BY_NAME[name], Engine((0,)))
        kept = [b for b in network.engine.memory if b.name.endswith("denominators")]
        assert bool(kept) == are_taken, name
