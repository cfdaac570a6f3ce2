"""Two devices of a spec, on one card and, where there are two, on two."""

from itertools import groupby

import numpy as np
import pytest
from numba import cuda

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from convnet.backends.cuda_probe import missing
from tests.support.cuda_rows import STEPS, TRAINED, largest_error, minibatch, trained, two_devices

SEVERAL = not missing() and len(cuda.gpus) > 1
PLACES = [(0, 0), *([(0, 1), (1, 0)] if SEVERAL else [])]


@pytest.mark.parametrize("gpus", PLACES, ids=str)
def test_devices_train_as_on_the_cpu(gpus, figures):
    expected = trained(two_devices(CpuEngine(np.float64)), STEPS)
    found = trained(two_devices(Engine(gpus)), STEPS)
    figures["train"] = largest_error(found, expected)
    assert figures["train"] < TRAINED


@pytest.mark.parametrize("gpus", PLACES, ids=str)
def test_graphs_plain_launches_and_repeats_give_the_same_bits(gpus):
    engines = Engine(gpus), Engine(gpus, graphs=False), Engine(gpus), Engine((0, 0))
    first, *others = (trained(two_devices(engine), STEPS) for engine in engines)
    others.append(trained(two_devices(Engine(gpus)), STEPS, ahead=False))
    for other in others:
        assert all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_times_of_steps_are_taken_on_every_device():
    """A trace: every step once, on every device and stream."""
    network = two_devices(Engine((0, 0)))
    trained(network, 2)
    with network.traced() as spans:
        network.run("train")
        network.load_ahead(minibatch(4, np.random.default_rng(5)))
    steps = [step for step, _ in groupby(span.step for span in spans)]
    assert steps == network.plan.programs["train"] + network.plan.programs["load"]
    assert {span.device for span in spans} == {"device 0 on cuda:0", "device 1 on cuda:0"}
    assert {span.queue for span in spans} == {"compute", "copies", "uploads"}
