"""The order of calls in which work is captured as a CUDA graph, with a stand-in for the driver."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

driver = pytest.importorskip("cuda.bindings.driver", reason="numba-cuda is not installed")

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, Stream  # noqa: E402
from convnet.backends.cuda.runtime.streams import Graph  # noqa: E402
from convnet.errors import DeviceError  # noqa: E402

CALLS = ("cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate", "cuGraphDestroy")
GOOD = driver.CUresult.CUDA_SUCCESS


class Queues:
    """One GPU; notes what happens."""

    def __init__(self):
        self.seen = []

    @contextmanager
    def on(self, device):
        yield

    @contextmanager
    def keeping(self):
        self.seen.append("keep")
        yield
        self.seen.append("may free")

    def stream(self, stream):
        return SimpleNamespace(handle=5)

    def freeing(self, device):
        return lambda function, handle: self.seen.append(f"free {handle}")


@pytest.fixture
def queues(monkeypatch):
    found = Queues()
    for name in CALLS:
        monkeypatch.setattr(driver, name, noting(found, name))
    return found


def noting(queues, name, status=GOOD):
    def call(*arguments):
        queues.seen.append(name)
        return (status, "it") if name in CALLS[1:3] else (status,)

    call.__name__ = name
    return call


def test_nothing_is_freed_while_work_is_captured(queues):
    graph = Graph(queues, Stream(0, COMPUTE), lambda: queues.seen.append("work"))
    assert graph and queues.seen == ["keep", CALLS[0], "work", *CALLS[1:], "may free"]


def test_a_graph_that_nobody_uses_is_freed_outside_of_captures(queues):
    graph = Graph(queues, Stream(0, COMPUTE), list)
    assert queues.seen[-1] == "may free"
    del graph
    assert queues.seen[-1] == "free it"


def test_a_failure_names_the_call_and_the_way_without_graphs(queues, monkeypatch):
    bad = driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
    monkeypatch.setattr(driver, CALLS[1], noting(queues, CALLS[1], bad))
    with pytest.raises(DeviceError, match=r"cuStreamEndCapture failed.*INVALIDATED; --no-graphs"):
        Graph(queues, Stream(0, COMPUTE), list)


def test_the_capture_is_ended_though_the_work_fails(queues):
    def fail():
        raise ValueError("no such kernel")

    with pytest.raises(ValueError, match="no such kernel"):
        Graph(queues, Stream(0, COMPUTE), fail)
    assert queues.seen[-1] == CALLS[1]
