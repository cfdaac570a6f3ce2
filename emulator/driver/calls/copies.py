"""Copies and fills: of the host and of devices, waiting and not (CUDA driver API, "API
synchronization behavior")."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.objects import Stream
from emulator.driver.registry import ADDRESS, HANDLE, INT, SIZE, entry
from emulator.driver.status import Refused, Status
from emulator.driver.work import Operation


def _device_of(driver: Driver, address: int, size: int) -> int:
    """The device of memory, all of which must be in one allocation."""
    found = driver.arena.inside(address, size)
    if found is None:
        what = f"{size} bytes at {address:#x} are not inside an allocation of a device"
        raise Refused(Status.INVALID_VALUE, what)
    return found.device


def _checked(driver: Driver, *places: tuple[int, int]) -> None:
    """Memory that has been freed since the copy was enqueued or captured."""
    for address, size in places:
        if driver.arena.inside(address, size) is None:
            driver.report_fault(f"a copy of {size} bytes at {address:#x}, which have been freed")
            raise Refused(Status.ILLEGAL_ADDRESS, f"{address:#x} has been freed")


def _copy(
    driver: Driver, device: int, target: int, source: int | bytes, size: int, *places: int
) -> Operation:
    """places: the addresses that are memory of devices."""
    touches = tuple((place, size) for place in places)

    def run() -> None:
        ctypes.memmove(target, source, size)

    return Operation("copy", device, run, touches, lambda: _checked(driver, *touches))


def _upload(driver: Driver, target: int, source: int | None, size: int, stream: Stream) -> None:
    """From the host: memory that is not pinned is read before the call returns."""
    _device_of(driver, target, size)
    data: int | bytes = source or 0
    if not driver.host.is_pinned(source or 0, size):
        if stream.capture:
            why = "a captured copy from memory that is not pinned"
            raise driver.invalidate(stream.capture, Status.STREAM_CAPTURE_UNSUPPORTED, why)
        data = ctypes.string_at(source or 0, size)
    driver.enqueue(stream, _copy(driver, stream.device, target, data, size, target))


def _download(driver: Driver, target: int | None, source: int, size: int, stream: Stream) -> None:
    """To the host: only copies to pinned memory return before they are done."""
    _device_of(driver, source, size)
    pinned = driver.host.is_pinned(target or 0, size)
    if stream.capture and not pinned:
        why = "a captured copy to memory that is not pinned"
        raise driver.invalidate(stream.capture, Status.STREAM_CAPTURE_UNSUPPORTED, why)
    driver.enqueue(stream, _copy(driver, stream.device, target or 0, source, size, source))
    if not pinned:
        driver.wait_for([stream])


def _move(driver: Driver, target: int, source: int, size: int, stream: Stream) -> None:
    """Between devices; without peer access such a copy passes through the host."""
    devices = _device_of(driver, target, size), _device_of(driver, source, size)
    if stream.capture and not (
        driver.reaches(devices[0], devices[1]) or driver.reaches(devices[1], devices[0])
    ):
        why = "a captured copy between GPUs without peer access"
        raise driver.invalidate(stream.capture, Status.STREAM_CAPTURE_UNSUPPORTED, why)
    driver.enqueue(stream, _copy(driver, stream.device, target, source, size, target, source))


def _legacy(driver: Driver, what: str) -> Stream:
    driver.refuse_in_capture(what)
    return driver.legacy(driver.context)


@entry(ADDRESS, HANDLE, SIZE)
def cuMemcpyHtoD(driver: Driver, target: int, source: int | None, size: int) -> None:
    """It returns once the source has been read, which may be before the copy has arrived."""
    stream = _legacy(driver, "cuMemcpyHtoD")
    if size:
        driver.wait_for([s for s in driver.streams(stream.device) if s.blocking])
        _upload(driver, target, source, size, stream)
        if driver.host.is_pinned(source or 0, size):
            driver.wait_for([stream])


@entry(HANDLE, ADDRESS, SIZE)
def cuMemcpyDtoH(driver: Driver, target: int | None, source: int, size: int) -> None:
    """It returns once the copy is done."""
    stream = _legacy(driver, "cuMemcpyDtoH")
    if size:
        _download(driver, target, source, size, stream)
        driver.wait_for([stream])


@entry(ADDRESS, ADDRESS, SIZE)
def cuMemcpyDtoD(driver: Driver, target: int, source: int, size: int) -> None:
    """The host does not wait for it."""
    stream = _legacy(driver, "cuMemcpyDtoD")
    if size:
        _move(driver, target, source, size, stream)


@entry(ADDRESS, HANDLE, SIZE, HANDLE)
def cuMemcpyHtoDAsync(
    driver: Driver, target: int, source: int | None, size: int, stream: int | None
) -> None:
    """Pinned memory is read when the stream comes to it."""
    if size:
        _upload(driver, target, source, size, driver.stream(stream))


@entry(HANDLE, ADDRESS, SIZE, HANDLE)
def cuMemcpyDtoHAsync(
    driver: Driver, target: int | None, source: int, size: int, stream: int | None
) -> None:
    """Pinned memory is written when the stream comes to it."""
    if size:
        _download(driver, target, source, size, driver.stream(stream))


@entry(ADDRESS, ADDRESS, SIZE, HANDLE)
def cuMemcpyDtoDAsync(
    driver: Driver, target: int, source: int, size: int, stream: int | None
) -> None:
    """Within a device or between two."""
    if size:
        _move(driver, target, source, size, driver.stream(stream))


@entry(ADDRESS, HANDLE, ADDRESS, HANDLE, SIZE, HANDLE)
def cuMemcpyPeerAsync(
    driver: Driver,
    target: int,
    target_context: int | None,
    source: int,
    source_context: int | None,
    size: int,
    stream: int | None,
) -> None:
    """Between the devices of two contexts, which must own the memory."""
    for context, address in ((target_context, target), (source_context, source)):
        if size and driver.context_of(context).device != _device_of(driver, address, size):
            raise Refused(Status.INVALID_VALUE, f"{address:#x} is of another device")
    if size:
        _move(driver, target, source, size, driver.stream(stream))


def _fill(driver: Driver, target: int, byte: int, size: int, stream: Stream) -> None:
    _device_of(driver, target, size)
    touches = ((target, size),)

    def run() -> None:
        driver.arena.of(target, size)[:] = byte & 255

    driver.enqueue(
        stream, Operation("fill", stream.device, run, touches, lambda: _checked(driver, *touches))
    )


@entry(ADDRESS, INT, SIZE)
def cuMemsetD8(driver: Driver, target: int, byte: int, size: int) -> None:
    """The host does not wait for it."""
    stream = _legacy(driver, "cuMemsetD8")
    if size:
        _fill(driver, target, byte, size, stream)


@entry(ADDRESS, INT, SIZE, HANDLE)
def cuMemsetD8Async(driver: Driver, target: int, byte: int, size: int, stream: int | None) -> None:
    """Set bytes when the stream comes to it."""
    if size:
        _fill(driver, target, byte, size, driver.stream(stream))
