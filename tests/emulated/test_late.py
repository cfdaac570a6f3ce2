"""Work that happens as late as it may, streams and graph nodes in orders drawn by several seeds."""

import numpy as np
import pytest
from numba import cuda
from numba.cuda.cudadrv.driver import device_memset

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from convnet.backends.cuda.runtime.double_buffer import COMPUTING, UPLOADING
from convnet.backends.cuda.runtime.memory import allocate
from convnet.network.network import Network
from emulator.driver import installed, work
from tests.network import test_replicas as replicas
from tests.support.rows import graph_of, randomize
from tests.support.small_nets import batch_of

STEPS = 4
LAST = len(cuda.gpus) - 1  # device 1 of the network: on another GPU, where there are two
LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[f]
type=fc
inputs=data
outputs=4
initW=0.5
gpu=1
[p]
type=softmax
inputs=f
gpu=0
[cost]
type=cost.logreg
inputs=labels,p
gpu=0
"""
PARAMS = "[f]\nepsW=0.5\nepsB=0.1\nmomW=0.9\nmomB=0.9\nwc=0.01\n[cost]\ncoeff=1\n"


def network(engine=None):
    made = Network(graph_of(LAYERS, PARAMS, {0: 6, 1: 1}), 4, engine or Engine((0, LAST)))
    randomize(made)
    return made


def minibatches(count=STEPS):
    rng = np.random.default_rng(5)
    for step in range(count):
        cases = 4 if step % 2 == 0 else 3
        labels = rng.integers(0, 4, (1, cases)).astype(np.float32)
        yield {0: rng.standard_normal((6, cases)).astype(np.float32), 1: labels}


def trained(network, ahead: bool, reads: bool = True) -> list[np.ndarray]:
    """Run some minibatches, one of them as a test; return their costs, and then the weights.

    reads: whether costs are read after each minibatch; otherwise the host runs ahead of the GPU.
    """
    found, all_of_them = [], list(minibatches())
    for step, (matrices, following) in enumerate(
        zip(all_of_them, [*all_of_them[1:], None], strict=True)
    ):
        network.load(matrices)
        network.set_rates(step / STEPS)
        network.run("test" if step == 2 else "train")
        if ahead:
            network.load_ahead(following)
        if reads:
            found.append(network.costs()["cost"])
    network.engine.synchronize()
    return found + [network.read(parameter) for parameter in network.parameters.values()]


@pytest.fixture(scope="module")
def expected():
    return trained(network(), ahead=False)


def test_the_numbers_are_those_of_the_cpu(expected):
    exact = trained(network(CpuEngine(np.float64)), ahead=False)
    assert all(np.allclose(a, b, rtol=1e-5) for a, b in zip(expected, exact, strict=True))


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_late_work_gives_the_same_bits(ahead, reads, seed, expected, scheduler):
    scheduler.reorder(seed, late=True)
    found = trained(network(), ahead, reads)
    same = expected if reads else expected[STEPS:]
    assert all(np.array_equal(a, b) for a, b in zip(found, same, strict=True))


def test_the_host_does_not_wait_for_an_upload_when_it_reads(scheduler, monkeypatch):
    made, (first, second, *_) = network(), minibatches()
    made.load(first)
    made.run("train")
    made.engine.synchronize()
    monkeypatch.setattr(work, "ONLY_NEEDED", 1.0)
    scheduler.reorder(0, late=True)
    made.load_ahead(second)
    upload = stream_of(made.engine, UPLOADING).last
    made.costs()
    assert not upload.done
    made.engine.synchronize()
    assert upload.done


def test_an_upload_waits_for_programs_that_use_its_memory_and_for_no_others(scheduler, monkeypatch):
    monkeypatch.setattr(work, "ONLY_NEEDED", 1.0)
    engine = Engine((0,))
    memory = allocate(engine.streams, 0, 64)
    scheduler.reorder(0, late=True)
    for slot, waits in ((engine.slots.coming, True), (engine.slots.current, False)):
        with slot.computing():
            device_memset(memory, 1, 64, engine.streams.stream(COMPUTING))
        program = stream_of(engine, COMPUTING).last
        with engine.slots.coming.loading():
            device_memset(memory, 2, 64, engine.streams.stream(UPLOADING))
        engine.streams.wait_for(UPLOADING)
        assert program.done == waits


def stream_of(engine, stream):
    return installed().driver.stream(int(engine.streams.stream(stream).handle))


@pytest.mark.parametrize("seed", range(3))
def test_each_run_on_a_minibatch_has_its_own_rates(scheduler, seed):
    def weights():
        made = network()
        made.load(next(minibatches()))
        for step in range(STEPS):
            made.set_rates(0, divided_by=2**step)
            made.run("train")
        made.engine.synchronize()
        return [made.read(parameter) for parameter in made.parameters.values()]

    expected = weights()
    scheduler.reorder(seed, late=True)
    assert all(np.array_equal(a, b) for a, b in zip(weights(), expected, strict=True))


def test_a_trace_shows_uploads_on_a_stream_of_their_own():
    made, (first, second, *_) = network(), minibatches()
    made.load(first)
    with made.traced() as spans:
        made.run("train")
        made.load_ahead(second)
    found = {(span.device[:8], span.queue, span.step.phase == "load") for span in spans}
    assert found == {
        ("device 0", "compute", False), ("device 0", "copies", False),
        ("device 1", "compute", False), ("device 1", "copies", False),
        ("device 0", "uploads", True), ("device 1", "uploads", True),
    }  # fmt: skip
    assert len([span for span in spans if span.queue == "uploads"]) == 2


@pytest.mark.parametrize("spread", replicas.SPREADS)
def test_layers_on_four_devices_train_as_on_the_cpu(spread, scheduler):
    """Launched, captured and replayed; whole and short minibatches."""

    def run(engine):
        made = Network(replicas.graph_of(*replicas.SPREADS[spread]), 16, engine, seed=1)
        for step in range(6):
            made.load(batch_of(step, 16 if step % 3 else 5))
            made.set_rates(0.0, divided_by=20)  # at the whole rates rounding errors grow
            made.run("train")
        return [made.read(parameter) for parameter in made.parameters.values()]

    expected = run(CpuEngine(np.float64))
    scheduler.reorder(len(spread), late=True)
    for mine, theirs in zip(run(Engine((0, 0, 0, 0))), expected, strict=True):
        assert np.linalg.norm(mine - theirs) < 1e-5 * np.linalg.norm(theirs)
