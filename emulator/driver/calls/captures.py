"""Captures: work of streams is recorded as a graph instead of being done (CUDA C++ programming
guide, "Creating a graph using stream capture")."""

import ctypes
import threading

from emulator.driver.driver import Driver
from emulator.driver.objects import RELAXED_MODE, Capture, Graph, Stream
from emulator.driver.registry import HANDLE, INT, POINTER, entry, put
from emulator.driver.status import Refused, Status


@entry(HANDLE, INT)
def cuStreamBeginCapture(driver: Driver, stream: int | None, mode: int) -> None:
    """Record what is enqueued on the stream from now on."""
    found = driver.stream(stream)
    if found.is_default:
        raise Refused(Status.STREAM_CAPTURE_UNSUPPORTED, "the legacy default stream")
    if found.capture:
        raise Refused(Status.ILLEGAL_STATE, "the stream is being captured already")
    if mode not in (0, 1, RELAXED_MODE):
        raise Refused(Status.INVALID_VALUE, f"capture mode {mode}")
    capture = Capture(found, mode)
    found.capture, found.after = capture, frozenset()
    capture.streams.append(found)
    driver.captures.append(capture)


@entry(HANDLE, POINTER)
def cuStreamEndCapture(driver: Driver, stream: int | None, graph: int) -> None:
    """End the capture on the stream where it began; all other streams must have joined it."""
    put(graph, ctypes.c_void_p, None)
    found = driver.stream(stream)
    capture = found.capture
    if capture is None:
        raise Refused(Status.ILLEGAL_STATE, "the stream is not being captured")
    if capture.origin is not found:
        why = "a capture ends on another stream than it began on"
        raise driver.invalidate(capture, Status.STREAM_CAPTURE_UNMATCHED, why)
    if capture.mode != RELAXED_MODE and capture.thread != threading.get_ident():
        why = "a capture ends in another thread than it began in"
        raise driver.invalidate(capture, Status.STREAM_CAPTURE_WRONG_THREAD, why)
    joined = capture.before(found.after)
    loose = [s for s in capture.streams if not s.after <= joined]
    _ended(driver, capture)
    driver.refuse_invalid(capture)
    left = len(capture.nodes) - len(joined)
    if loose or left:
        why = f"{len(loose)} streams with {left} operations have not joined the first one"
        raise Refused(Status.STREAM_CAPTURE_UNJOINED, why)
    put(graph, ctypes.c_void_p, driver.handles.new(Graph(capture.nodes)))


def _ended(driver: Driver, capture: Capture) -> None:
    for stream in capture.streams:
        stream.capture, stream.after = None, frozenset()
    driver.forget_events(capture)
    driver.captures.remove(capture)


@entry(HANDLE, POINTER)
def cuStreamIsCapturing(driver: Driver, stream: int | None, status: int) -> None:
    """0: no, 1: yes, 2: yes, but the capture is invalid."""
    found: Stream = driver.stream(stream)
    value = 0 if found.capture is None else 2 if found.capture.invalid else 1
    put(status, ctypes.c_int, value)


@entry(POINTER)
def cuThreadExchangeStreamCaptureMode(driver: Driver, mode: int) -> None:
    """Set this thread's mode, and return the one before."""
    new = ctypes.c_int.from_address(mode).value
    if new not in (0, 1, RELAXED_MODE):
        raise Refused(Status.INVALID_VALUE, f"capture mode {new}")
    put(mode, ctypes.c_int, driver.mode)
    driver.mode = new
