"""Prefetched minibatches, on the late GPU of `tests.support.simulator.late`."""

from functools import partial

import numpy as np
import pytest

from convnet.backends.cuda.engine import Engine
from convnet.backends.cuda.runtime.double_buffer import COMPUTING, UPLOADING
from convnet.network.network import Network
from tests.support.rows import graph_of, randomize
from tests.support.simulator.late import install

STEPS = 4
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


def network():
    made = Network(graph_of(LAYERS, PARAMS, {0: 6, 1: 1}), 4, Engine((0, 0)))
    randomize(made)
    return made


def minibatches():
    rng = np.random.default_rng(5)
    for step in range(STEPS):
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
        program = "test" if step == 2 else "train"
        network.load(matrices)
        network.set_rates(step / STEPS)
        network.run(program)
        if ahead:
            network.load_ahead(following)
        if reads:
            found.append(network.costs()["cost"])
    network.engine.synchronize()
    return found + [network.read(parameter) for parameter in network.parameters.values()]


@pytest.fixture(scope="module")
def expected():
    return trained(network(), ahead=False)


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_late_work_gives_the_same_bits(ahead, reads, seed, expected, monkeypatch):
    gpu = install(monkeypatch, seed)
    found = trained(network(), ahead, reads)
    assert gpu.overtaken, "nothing was ever late"
    same = expected if reads else expected[STEPS:]
    assert all(np.array_equal(a, b) for a, b in zip(found, same, strict=True))


@pytest.mark.parametrize("lazy", [COMPUTING, UPLOADING])
def test_an_upload_waits_for_programs_that_use_the_memory_and_for_no_others(lazy, monkeypatch):
    gpu, done = install(monkeypatch, 0), []
    engine = Engine((0,))
    gpu.lazy = engine.streams.stream(lazy)
    for slot, name in ((engine.slots.coming, "mine"), (engine.slots.current, "another's")):
        with slot.computing():
            engine.streams.stream(COMPUTING).take(partial(done.append, name))
    with engine.slots.coming.loading():
        engine.streams.stream(UPLOADING).take(partial(done.append, "upload"))
    gpu.synchronize()
    orders = {
        COMPUTING: ["mine", "upload", "another's"],
        UPLOADING: ["mine", "another's", "upload"],
    }
    assert done == orders[lazy]


def test_the_host_does_not_wait_for_an_upload_when_it_reads(monkeypatch):
    gpu = install(monkeypatch, 0)
    made, (first, second, *_) = network(), minibatches()
    made.load(first)
    made.run("train")
    gpu.lazy = made.engine.streams.stream(UPLOADING)
    made.load_ahead(second)
    made.costs()
    assert gpu.lazy.queue
    gpu.synchronize()


def test_each_run_on_a_minibatch_has_its_own_rates(monkeypatch):
    def weights():
        made = network()
        made.load(next(minibatches()))
        for step in range(STEPS):
            made.set_rates(0, divided_by=2**step)
            made.run("train")
        made.engine.synchronize()
        return [made.read(parameter) for parameter in made.parameters.values()]

    expected = weights()
    install(monkeypatch, 0)
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
