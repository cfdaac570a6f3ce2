"""Captures: what is recorded, what is forbidden meanwhile, and how they end."""

import ctypes
import threading

import pytest

from tests.emulator.driver.host import GLOBAL, RELAXED, THREAD, Host, put
from tests.emulator.driver.refusals import refused


def end(host, stream):
    graph = ctypes.c_void_p()
    host.cuStreamEndCapture(stream, ctypes.byref(graph))
    return graph.value


def launched(host, graph, stream):
    executable = host.made(ctypes.c_void_p, "cuGraphInstantiateWithFlags", graph, 0)
    host.cuGraphLaunch(executable, stream)
    host.cuStreamSynchronize(stream)
    return executable


class Two:
    """A capture of stream a, and a second stream b beside it, with something to copy."""

    def __init__(self, mode=THREAD, **options):
        self.host = host = Host(**options)
        host.enter()
        self.x, self.y, self.pinned = host.alloc(), host.alloc(), host.pinned()
        put(self.pinned, [5.0] * 16)
        self.a, self.b = host.stream(), host.stream()
        self.event, self.joined = host.event(), host.event()
        host.write(self.x, [1.0] * 16)
        host.write(self.y, [1.0] * 16)
        host.cuStreamBeginCapture(self.a, mode)

    def copy(self, stream, target):
        self.host.cuMemcpyHtoDAsync(target, self.pinned, 64, stream)

    def fork(self):
        self.host.cuEventRecord(self.event, self.a)
        self.host.cuStreamWaitEvent(self.b, self.event, 0)

    def join(self):
        self.host.cuEventRecord(self.joined, self.b)
        self.host.cuStreamWaitEvent(self.a, self.joined, 0)


def test_work_is_recorded_and_not_done():
    two = Two()
    two.copy(two.a, two.x)
    graph = end(two.host, two.a)
    assert two.host.read(two.x, 1) == [1.0]
    launched(two.host, graph, two.a)
    assert two.host.read(two.x, 1) == [5.0]


def test_streams_that_wait_are_captured_and_must_join():
    two = Two()
    two.fork()
    two.copy(two.b, two.y)
    two.join()
    graph = end(two.host, two.a)
    launched(two.host, graph, two.a)
    assert two.host.read(two.y, 1) == [5.0]
    two = Two()
    two.fork()
    two.copy(two.b, two.y)
    with refused("STREAM_CAPTURE_UNJOINED", "1 streams with 1 operations"):
        end(two.host, two.a)
    two.copy(two.b, two.y)  # which is captured no longer
    assert two.host.read(two.y, 1) == [5.0]


def test_work_behind_the_join_is_not_joined():
    two = Two()
    two.fork()
    two.copy(two.b, two.y)
    two.join()
    two.copy(two.b, two.x)
    with refused("STREAM_CAPTURE_UNJOINED"):
        end(two.host, two.a)


def test_a_captured_stream_waits_for_no_event_from_outside():
    two = Two()
    two.host.cuEventRecord(two.event, two.b)
    with refused("STREAM_CAPTURE_ISOLATION"):
        two.host.cuStreamWaitEvent(two.a, two.event, 0)
    with refused("STREAM_CAPTURE_INVALIDATED"):
        two.copy(two.a, two.x)
    with refused("STREAM_CAPTURE_INVALIDATED", "from outside"):
        end(two.host, two.a)
    two.copy(two.a, two.x)  # the stream can be used again
    assert two.host.read(two.x, 1) == [5.0]


def test_two_captures_do_not_meet():
    two = Two()
    two.host.cuStreamBeginCapture(two.b, THREAD)
    two.host.cuEventRecord(two.event, two.a)
    with refused("STREAM_CAPTURE_MERGE"):
        two.host.cuStreamWaitEvent(two.b, two.event, 0)
    for stream in (two.a, two.b):
        with refused("STREAM_CAPTURE_INVALIDATED"):
            end(two.host, stream)


FORBIDDEN = {
    "cuMemAlloc": lambda two: two.host.alloc(),
    "cuMemFree": lambda two: two.host.cuMemFree(two.x),
    "cuMemHostAlloc": lambda two: two.host.pinned(),
    "cuMemFreeHost": lambda two: two.host.cuMemFreeHost(two.pinned),
    "cuMemcpyHtoD": lambda two: two.host.cuMemcpyHtoD(two.x, (ctypes.c_float * 1)(), 4),
    "cuMemcpyDtoH": lambda two: two.host.read(two.x, 1),
    "cuMemsetD8": lambda two: two.host.cuMemsetD8(two.x, 0, 4),
    "cuLibraryLoadData": lambda two: two.host.kernel(),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_calls_that_may_wait_are_forbidden_in_the_capturing_thread(name):
    two = Two()
    with refused("STREAM_CAPTURE_UNSUPPORTED", f"{name} during a capture"):
        FORBIDDEN[name](two)
    with refused("STREAM_CAPTURE_INVALIDATED", name):
        end(two.host, two.a)
    FORBIDDEN[name](two)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_they_are_allowed_in_relaxed_mode(name):
    two = Two(RELAXED)
    FORBIDDEN[name](two)
    assert end(two.host, two.a)


@pytest.mark.parametrize(("mode", "allowed"), [(GLOBAL, False), (THREAD, True), (RELAXED, True)])
def test_other_threads_are_restricted_by_global_captures_only(mode, allowed):
    two, found = Two(mode), []
    context = two.host.made(ctypes.c_void_p, "cuCtxGetCurrent")

    def other():
        two.host.cuCtxPushCurrent(context)
        try:
            found.append(two.host.alloc())
        except Exception as problem:
            found.append(problem)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert isinstance(found[0], int) == allowed


def test_a_thread_can_exchange_its_mode():
    two = Two(GLOBAL)
    mode = ctypes.c_int(RELAXED)
    two.host.cuThreadExchangeStreamCaptureMode(ctypes.byref(mode))
    assert mode.value == GLOBAL
    two.host.alloc()
    two.host.cuThreadExchangeStreamCaptureMode(ctypes.byref(mode))
    assert mode.value == RELAXED
    with refused("STREAM_CAPTURE_UNSUPPORTED"):
        two.host.alloc()


def test_nothing_waits_for_a_captured_stream_or_event():
    two = Two(RELAXED)
    with refused("STREAM_CAPTURE_UNSUPPORTED", "cuStreamSynchronize"):
        two.host.cuStreamSynchronize(two.a)
    two.host.cuStreamSynchronize(two.b)
    two = Two(RELAXED)
    with refused("STREAM_CAPTURE_UNSUPPORTED", "cuStreamQuery"):
        two.host.cuStreamQuery(two.a)
    two = Two(RELAXED)
    with refused("STREAM_CAPTURE_UNSUPPORTED", "cuCtxSynchronize"):
        two.host.cuCtxSynchronize()
    for call in ("cuEventSynchronize", "cuEventQuery"):
        two = Two(RELAXED)
        two.host.cuEventRecord(two.event, two.a)
        with refused("CAPTURED_EVENT", call):
            getattr(two.host, call)(two.event)
        with refused("STREAM_CAPTURE_INVALIDATED"):
            end(two.host, two.a)


def test_the_default_stream_waits_for_no_captured_blocking_stream():
    for flags in (0, 1):
        host = Host()
        host.enter()
        x, pinned, stream = host.alloc(), host.pinned(), host.stream(flags)
        host.cuStreamBeginCapture(stream, RELAXED)
        if flags:
            host.cuMemcpyHtoDAsync(x, pinned, 4, None)
            assert end(host, stream)
        else:
            with refused("STREAM_CAPTURE_IMPLICIT"):
                host.cuMemcpyHtoDAsync(x, pinned, 4, None)
            with refused("STREAM_CAPTURE_IMPLICIT"):
                host.cuStreamSynchronize(None)
            with refused("STREAM_CAPTURE_INVALIDATED"):
                end(host, stream)


def test_only_pinned_memory_is_copied_in_a_capture():
    for copy in (
        lambda two, data: two.host.cuMemcpyHtoDAsync(two.x, data, 64, two.a),
        lambda two, data: two.host.cuMemcpyDtoHAsync(data, two.x, 64, two.a),
    ):
        two = Two()
        copy(two, two.pinned)
        assert end(two.host, two.a)
        two = Two()
        with refused("STREAM_CAPTURE_UNSUPPORTED", "not pinned"):
            copy(two, ctypes.addressof((ctypes.c_float * 16)()))


@pytest.mark.parametrize("peers", [True, False])
def test_copies_between_gpus_are_captured_with_peer_access_only(peers):
    host = Host(gpus=2, peers=peers)
    first = host.enter(0)
    x = host.alloc()
    host.enter(1)
    y, stream = host.alloc(), host.stream()
    if peers:
        host.cuCtxEnablePeerAccess(first, 0)
    host.cuStreamBeginCapture(stream, THREAD)
    if peers:
        host.cuMemcpyDtoDAsync(y, x, 64, stream)
        assert end(host, stream)
    else:
        with refused("STREAM_CAPTURE_UNSUPPORTED", "without peer access"):
            host.cuMemcpyDtoDAsync(y, x, 64, stream)


def test_captures_begin_and_end_where_they_should():
    two = Two()
    with refused("ILLEGAL_STATE", "already"):
        two.host.cuStreamBeginCapture(two.a, THREAD)
    with refused("STREAM_CAPTURE_UNSUPPORTED", "default stream"):
        two.host.cuStreamBeginCapture(None, THREAD)
    with refused("INVALID_VALUE", "mode"):
        two.host.cuStreamBeginCapture(two.b, 3)
    with refused("ILLEGAL_STATE", "not being captured"):
        end(two.host, two.b)
    assert status(two.host, two.a) == 1 and status(two.host, two.b) == 0
    two.fork()
    with refused("STREAM_CAPTURE_UNMATCHED"):
        end(two.host, two.b)
    assert status(two.host, two.a) == 2


def status(host, stream):
    value = ctypes.c_int()
    host.cuStreamIsCapturing(stream, ctypes.byref(value))
    return value.value


@pytest.mark.parametrize("mode", [THREAD, RELAXED])
def test_a_capture_ends_in_its_own_thread_unless_it_is_relaxed(mode):
    two, found = Two(mode), []

    def other():
        try:
            found.append(end(two.host, two.a))
        except Exception as problem:
            found.append(str(problem))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert ("WRONG_THREAD" in str(found[0])) == (mode == THREAD)


def test_a_captured_event_is_forgotten_when_the_capture_ends():
    two = Two()
    two.host.cuEventRecord(two.event, two.a)
    end(two.host, two.a)
    two.host.cuStreamWaitEvent(two.b, two.event, 0)  # as one that was never recorded
    two.host.cuEventSynchronize(two.event)
