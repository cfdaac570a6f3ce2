"""The calls that capture work as a CUDA graph, in order, with a fake driver."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

driver = pytest.importorskip("cuda.bindings.driver", reason="numba-cuda is not installed")

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, Stream  # noqa: E402
from convnet.backends.cuda.runtime.streams import Graph  # noqa: E402
from convnet.errors import DeviceError  # noqa: E402

CALLS = ("cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate", "cuGraphDestroy")
GOOD = driver.CUresult.CUDA_SUCCESS


class Streams:
    """The streams of one GPU; seen: what happened."""

    def __init__(self):
        self.seen = []

    @contextmanager
    def on(self, device):
        yield

    @contextmanager
    def deferring_frees(self):
        self.seen.append("keep")
        yield
        self.seen.append("may free")

    def stream(self, stream):
        return SimpleNamespace(handle=5)

    def deallocator(self, device):
        return lambda function, handle: self.seen.append(f"free {handle}")


@pytest.fixture
def streams(monkeypatch):
    found = Streams()
    for name in CALLS:
        monkeypatch.setattr(driver, name, noting(found, name))
    return found


def noting(streams, name, status=GOOD):
    def call(*arguments):
        streams.seen.append(name)
        return (status, "it") if name in CALLS[1:3] else (status,)

    call.__name__ = name
    return call


def test_nothing_is_freed_while_work_is_captured(streams):
    graph = Graph(streams, Stream(0, COMPUTE), lambda: streams.seen.append("work"))
    assert graph and streams.seen == ["keep", CALLS[0], "work", *CALLS[1:], "may free"]


def test_a_graph_that_nobody_uses_is_freed_outside_of_captures(streams):
    graph = Graph(streams, Stream(0, COMPUTE), list)
    assert streams.seen[-1] == "may free"
    del graph
    assert streams.seen[-1] == "free it"


def test_a_failure_names_the_call_and_the_way_without_graphs(streams, monkeypatch):
    bad = driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
    monkeypatch.setattr(driver, CALLS[1], noting(streams, CALLS[1], bad))
    with pytest.raises(DeviceError, match=r"cuStreamEndCapture failed.*INVALIDATED; --no-graphs"):
        Graph(streams, Stream(0, COMPUTE), list)


def test_the_capture_is_ended_though_the_work_fails(streams):
    def fail():
        raise ValueError("no such kernel")

    with pytest.raises(ValueError, match="no such kernel"):
        Graph(streams, Stream(0, COMPUTE), fail)
    assert streams.seen[-2:] == [CALLS[1], CALLS[3]]


def test_the_end_of_the_capture_does_not_hide_why_the_work_failed(streams, monkeypatch):
    bad = driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
    monkeypatch.setattr(driver, CALLS[1], noting(streams, CALLS[1], bad))

    def fail():
        raise DeviceError("a captured call is refused")

    with pytest.raises(DeviceError, match="a captured call is refused"):
        Graph(streams, Stream(0, COMPUTE), fail)
    assert streams.seen[-1] == CALLS[1]
