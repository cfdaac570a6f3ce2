"""Programs on several devices keep the rules of a capture."""

import pytest

from convnet.backends.cuda.engine import Engine
from convnet.backends.cuda.runtime.double_buffer import COMPUTING
from convnet.network.network import Network
from tests.network.test_replicas import SPREADS, batch, graph_of
from tests.support.cuda_rows import two_devices
from tests.support.simulator.capturing import install


def captured(rules, network, name) -> int:
    """How many streams a program's capture spans, in each slot."""
    engine, counts = network.engine, set()
    for slot in engine.slots:
        for stream in rules.streams:
            stream.captured, stream.known = False, type(stream.known)()
        origin = engine.streams.stream(COMPUTING)
        streams = rules.capture(origin, lambda slot=slot: network.program(name).enqueue(slot))
        counts.add(len(streams))
    (count,) = counts
    return count


@pytest.mark.parametrize(("name", "streams"), [("train", 4), ("gradients", 4), ("test", 3)])
def test_two_devices(name, streams, monkeypatch):
    rules = install(monkeypatch)
    network = two_devices(Engine((0, 0)))
    network.program(name)
    assert captured(rules, network, name) == streams


@pytest.mark.parametrize("spread", SPREADS)
def test_replicas(spread, monkeypatch):
    rules = install(monkeypatch)
    network = Network(graph_of(*SPREADS[spread]), 16, Engine((0, 0, 0, 0)), seed=1)
    for cases in (16, 5):
        network.load(batch(0, cases))
        for name in ("train", "test"):
            network.program(name)
            assert captured(rules, network, name) > 1
