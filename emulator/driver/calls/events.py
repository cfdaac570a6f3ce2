"""Events: recorded, waited for, asked about, and the time between two."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.objects import Event
from emulator.driver.registry import HANDLE, POINTER, UNSIGNED, entry, put
from emulator.driver.status import Refused, Status
from emulator.driver.work import Operation

NO_TIMING = 2


@entry(POINTER, UNSIGNED)
def cuEventCreate(driver: Driver, event: int, flags: int) -> None:
    """An event of the current context; with flag 2 it takes no time."""
    made = Event(driver.context.device, not flags & NO_TIMING)
    put(event, ctypes.c_void_p, driver.handles.new(made))


@entry(HANDLE)
def cuEventDestroy(driver: Driver, event: int | None) -> None:
    """Its handle is invalid from now on; who waits for it goes on waiting."""
    driver.handles.remove(event, Event)


@entry(HANDLE, HANDLE)
def cuEventRecord(driver: Driver, event: int | None, stream: int | None) -> None:
    """The event happens when all that is enqueued on the stream now is done."""
    found, place = driver.handles.get(event, Event), driver.stream(stream)
    if found.device != place.device:
        raise Refused(Status.INVALID_HANDLE, "the event and the stream are of different contexts")
    if place.capture:
        driver.refuse_invalid(place.capture)
        found.capture, found.after, found.work = place.capture, place.after, None
        return
    found.capture, found.after, found.time = None, frozenset(), None

    def record() -> None:
        driver.clock += 1.0
        if found.work is mine or found.work is None:
            found.time = driver.clock

    found.work = mine = None
    driver.enqueue(place, Operation("record", place.device, record))
    found.work = mine = place.last


@entry(HANDLE, HANDLE, UNSIGNED)
def cuEventRecordWithFlags(
    driver: Driver, event: int | None, stream: int | None, flags: int
) -> None:
    """As cuEventRecord; no flag is emulated."""
    if flags:
        raise Refused(Status.NOT_SUPPORTED, f"flags {flags}")
    cuEventRecord(driver, event, stream)


def _outside(driver: Driver, event: Event, what: str) -> None:
    if event.capture:
        why = f"{what} of an event that a capture recorded"
        raise driver.invalidate(event.capture, Status.CAPTURED_EVENT, why)


@entry(HANDLE)
def cuEventSynchronize(driver: Driver, event: int | None) -> None:
    """Block the host until the event has happened; at once if it was never recorded."""
    found = driver.handles.get(event, Event)
    _outside(driver, found, "cuEventSynchronize")
    if found.work is not None:
        driver.scheduler.wait([found.work])


@entry(HANDLE)
def cuEventQuery(driver: Driver, event: int | None) -> None:
    """NOT_READY until it has happened."""
    found = driver.handles.get(event, Event)
    _outside(driver, found, "cuEventQuery")
    driver.scheduler.nudge()
    if found.work is not None and not found.work.done:
        raise Refused(Status.NOT_READY)


@entry(POINTER, HANDLE, HANDLE)
def cuEventElapsedTime(driver: Driver, time: int, start: int | None, end: int | None) -> None:
    """Milliseconds between two events of one device; every event takes a microsecond here."""
    events = [driver.handles.get(event, Event) for event in (start, end)]
    for event in events:
        _outside(driver, event, "cuEventElapsedTime")
        if not event.timing or event.work is None:
            raise Refused(Status.INVALID_HANDLE, "an event without timing, or never recorded")
        if not event.work.done:
            raise Refused(Status.NOT_READY)
    if events[0].device != events[1].device:
        raise Refused(Status.INVALID_HANDLE, "events of different devices")
    first, last = (event.time or 0.0 for event in events)
    put(time, ctypes.c_float, (last - first) * 1e-3)
