"""Contexts: primary ones retained and released, a stack for each thread, peer access."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.objects import Context, Event, Stream
from emulator.driver.registry import HANDLE, INT, POINTER, UNSIGNED, entry, put
from emulator.driver.status import Refused, Status


@entry(POINTER, INT)
def cuDevicePrimaryCtxRetain(driver: Driver, context: int, device: int) -> None:
    """The primary context, which exists until it is released as often."""
    found = driver.contexts[driver.device(device)]
    found.retained += 1
    put(context, ctypes.c_void_p, found.handle)


@entry(INT)
def cuDevicePrimaryCtxRelease(driver: Driver, device: int) -> None:
    """Release it; with the last retain everything in it is destroyed."""
    found = driver.contexts[driver.device(device)]
    if not found.retained:
        raise Refused(Status.INVALID_CONTEXT, f"the context of GPU {device} is not retained")
    found.retained -= 1
    if not found.retained:
        _destroy(driver, found)


@entry(INT)
def cuDevicePrimaryCtxReset(driver: Driver, device: int) -> None:
    """Destroy everything in it."""
    found = driver.contexts[driver.device(device)]
    driver.refuse_in_capture("cuDevicePrimaryCtxReset")
    if found.retained:
        _destroy(driver, found)


@entry(INT, POINTER, POINTER)
def cuDevicePrimaryCtxGetState(driver: Driver, device: int, flags: int, active: int) -> None:
    """Whether it exists."""
    put(flags, ctypes.c_uint, 0)
    put(active, ctypes.c_int, int(driver.contexts[driver.device(device)].retained > 0))


def _destroy(driver: Driver, context: Context) -> None:
    """Its work is done first; its memory, streams and events are gone then."""
    driver.wait_for(driver.streams(context.device))
    for allocation in driver.arena.allocations(context.device):
        driver.arena.free(allocation.address)
    mine: list[tuple[int, Stream | Event]] = [
        *driver.handles.all(Stream),
        *driver.handles.all(Event),
    ]
    for handle, item in mine:
        if item.device == context.device:
            driver.handles.remove(handle, type(item))
    context.default, context.peers = None, set()
    context.per_thread.clear()


@entry(POINTER)
def cuCtxGetCurrent(driver: Driver, context: int) -> None:
    """The top of this thread's stack, or NULL."""
    put(context, ctypes.c_void_p, driver.stack[-1].handle if driver.stack else None)


@entry(HANDLE)
def cuCtxSetCurrent(driver: Driver, context: int | None) -> None:
    """Replace the top of the stack, or push on an empty one; NULL pops."""
    new = [driver.context_of(context)] if context else []
    if driver.stack:
        driver.stack.pop()
    driver.stack.extend(new)


@entry(HANDLE)
def cuCtxPushCurrent(driver: Driver, context: int | None) -> None:
    """Make a context the current one, until it is popped."""
    driver.stack.append(driver.context_of(context))


@entry(POINTER)
def cuCtxPopCurrent(driver: Driver, context: int | None) -> None:
    """Make the one before current again."""
    if not driver.stack:
        raise Refused(Status.INVALID_CONTEXT, "this thread's stack of contexts is empty")
    popped = driver.stack.pop()
    if context:
        put(context, ctypes.c_void_p, popped.handle)


@entry(POINTER)
def cuCtxGetDevice(driver: Driver, device: int) -> None:
    """The device of the current context."""
    put(device, ctypes.c_int, driver.context.device)


@entry()
def cuCtxSynchronize(driver: Driver) -> None:
    """Block the host until all work of the current context is done."""
    streams = driver.streams(driver.context.device)
    for stream in streams:
        if stream.capture:
            why = "cuCtxSynchronize would wait for a captured stream"
            raise driver.invalidate(stream.capture, Status.STREAM_CAPTURE_UNSUPPORTED, why)
    driver.refuse_in_capture("cuCtxSynchronize")
    driver.wait_for(streams)


@entry(HANDLE, UNSIGNED)
def cuCtxEnablePeerAccess(driver: Driver, peer: int | None, flags: int) -> None:
    """Let the current context's device use the memory of another one; not the other way round."""
    mine, other = driver.context, driver.context_of(peer)
    if flags or mine is other:
        raise Refused(Status.INVALID_VALUE, "flags must be 0, and the peer another device")
    if not driver.options.peers:
        raise Refused(Status.PEER_ACCESS_UNSUPPORTED, "these GPUs have no peer access")
    if other.device in mine.peers:
        raise Refused(Status.PEER_ACCESS_ALREADY_ENABLED)
    mine.peers.add(other.device)


@entry(HANDLE)
def cuCtxDisablePeerAccess(driver: Driver, peer: int | None) -> None:
    """The opposite."""
    mine, other = driver.context, driver.context_of(peer)
    if other.device not in mine.peers:
        raise Refused(Status.PEER_ACCESS_NOT_ENABLED, f"to GPU {other.device}")
    mine.peers.remove(other.device)
