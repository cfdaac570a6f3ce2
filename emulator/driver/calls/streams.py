"""Streams: made, waited for, asked about; waits for events."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.objects import Event, Stream
from emulator.driver.registry import HANDLE, INT, POINTER, UNSIGNED, entry, put
from emulator.driver.status import Refused, Status
from emulator.driver.work import Operation

NON_BLOCKING = 1


@entry(POINTER, UNSIGNED)
def cuStreamCreate(driver: Driver, stream: int, flags: int) -> None:
    """A stream of the current context; with flag 1 it does not wait for the default stream."""
    cuStreamCreateWithPriority(driver, stream, flags, 0)


@entry(POINTER, UNSIGNED, INT)
def cuStreamCreateWithPriority(driver: Driver, stream: int, flags: int, priority: int) -> None:
    """Likewise; priorities change nothing that a program may rely on."""
    if flags & ~NON_BLOCKING:
        raise Refused(Status.INVALID_VALUE, f"stream flags {flags}")
    made = Stream(driver.context.device, not flags & NON_BLOCKING, priority=priority)
    put(stream, ctypes.c_void_p, driver.handles.new(made))


@entry(HANDLE)
def cuStreamDestroy(driver: Driver, stream: int | None) -> None:
    """Its handle is invalid from now on; its work is still done."""
    found = driver.handles.get(stream, Stream)
    if found.capture:
        why = "a captured stream is destroyed"
        driver.invalidate(found.capture, Status.STREAM_CAPTURE_UNSUPPORTED, why)
    driver.handles.remove(stream, Stream)


@entry(HANDLE, POINTER)
def cuStreamGetCtx(driver: Driver, stream: int | None, context: int) -> None:
    """The context that a stream belongs to."""
    put(context, ctypes.c_void_p, driver.contexts[driver.stream(stream).device].handle)


@entry(HANDLE, POINTER)
def cuStreamGetFlags(driver: Driver, stream: int | None, flags: int) -> None:
    """1 for streams that do not wait for the default stream."""
    found = driver.stream(stream)
    put(flags, ctypes.c_uint, 0 if found.blocking or found.is_default else NON_BLOCKING)


@entry(HANDLE, POINTER)
def cuStreamGetPriority(driver: Driver, stream: int | None, priority: int) -> None:
    """As it was made with."""
    put(priority, ctypes.c_int, driver.stream(stream).priority)


def _not_captured(driver: Driver, stream: Stream, what: str) -> None:
    if stream.capture:
        why = f"{what} of a captured stream"
        raise driver.invalidate(stream.capture, Status.STREAM_CAPTURE_UNSUPPORTED, why)


@entry(HANDLE)
def cuStreamSynchronize(driver: Driver, stream: int | None) -> None:
    """Block the host until the stream's work is done."""
    found = driver.stream(stream)
    _not_captured(driver, found, "cuStreamSynchronize")
    if found.is_default:
        driver.refuse_captured_blocking(found.device)
        driver.wait_for([s for s in driver.streams(found.device) if s.blocking])
    driver.wait_for([found])


@entry(HANDLE)
def cuStreamQuery(driver: Driver, stream: int | None) -> None:
    """NOT_READY while there is work."""
    found = driver.stream(stream)
    _not_captured(driver, found, "cuStreamQuery")
    driver.scheduler.nudge()
    if found.last is not None and not found.last.done:
        raise Refused(Status.NOT_READY)


@entry(HANDLE, HANDLE, UNSIGNED)
def cuStreamWaitEvent(driver: Driver, stream: int | None, event: int | None, flags: int) -> None:
    """Later work of the stream waits for what the event was recorded behind.

    An event of a capture draws the stream into that capture; a captured stream cannot wait for
    anything else (CUDA C++ programming guide, "Cross-stream dependencies and events").
    """
    found, waited = driver.stream(stream), driver.handles.get(event, Event)
    if waited.capture:
        driver.refuse_invalid(waited.capture)
        if found.capture is not None and found.capture is not waited.capture:
            why = "a captured stream waits for an event of another capture"
            driver.invalidate(waited.capture, Status.STREAM_CAPTURE_MERGE, why)
            raise driver.invalidate(found.capture, Status.STREAM_CAPTURE_MERGE, why)
        if found.is_default:
            why = "the legacy default stream cannot be captured"
            raise driver.invalidate(waited.capture, Status.STREAM_CAPTURE_IMPLICIT, why)
        if found.capture is None:
            found.capture, found.after = waited.capture, frozenset()
            waited.capture.streams.append(found)
        found.after |= waited.after
    elif found.capture:
        why = "a captured stream waits for an event from outside of the capture"
        raise driver.invalidate(found.capture, Status.STREAM_CAPTURE_ISOLATION, why)
    elif waited.work is not None and not waited.work.done:
        nothing = Operation("empty", found.device, lambda: None)
        driver.enqueue(found, nothing, waited.work)
