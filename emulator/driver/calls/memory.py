"""Memory of devices and pinned memory of the host: allocated, freed, asked about."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.registry import (
    ADDRESS,
    HANDLE,
    INT,
    POINTER,
    SIZE,
    UNSIGNED,
    entry,
    put,
)
from emulator.driver.status import Refused, Status

_DEVICE_ORDINAL, _MEMORY_TYPE, _DEVICE_POINTER, _HOST_POINTER, _CONTEXT = 9, 2, 3, 4, 1


@entry(POINTER, SIZE)
def cuMemAlloc(driver: Driver, address: int, size: int) -> None:
    """Memory of the current device, full of NaN."""
    driver.refuse_in_capture("cuMemAlloc")
    if not size:
        raise Refused(Status.INVALID_VALUE, "cuMemAlloc of 0 bytes")
    device = driver.context.device
    found = driver.arena.allocate(size, device)
    if found is None:
        room = driver.arena.room(device)
        raise Refused(Status.OUT_OF_MEMORY, f"{size} bytes on GPU {device}, which has {room} free")
    put(address, ctypes.c_ulonglong, found)


@entry(ADDRESS)
def cuMemFree(driver: Driver, address: int) -> None:
    """Free memory, once all work of its device is done; no other device may still use it."""
    driver.refuse_in_capture("cuMemFree")
    if not address:
        return
    found = driver.arena.inside(address)
    if found is None or found.address != address:
        raise Refused(Status.INVALID_VALUE, f"no allocation begins at {address:#x}")
    if driver.contexts[found.device].retained:
        driver.wait_for(driver.streams(found.device))
    for work in driver.scheduler.pending.values():
        for start, size in work.operation.touches:
            if start < address + found.size and address < start + size:
                what = f"{work.operation.kind} of GPU {work.operation.device}"
                driver.report_fault(f"cuMemFree of memory that a pending {what} uses")
    driver.arena.free(address)


@entry(POINTER, SIZE, UNSIGNED)
def cuMemHostAlloc(driver: Driver, address: int, size: int, flags: int) -> None:
    """Pinned memory of the host."""
    driver.refuse_in_capture("cuMemHostAlloc")
    _ = driver.context
    if not size:
        raise Refused(Status.INVALID_VALUE, "cuMemHostAlloc of 0 bytes")
    put(address, ctypes.c_void_p, driver.host.allocate(size))


@entry(HANDLE)
def cuMemFreeHost(driver: Driver, address: int | None) -> None:
    """Free it, once all work is done."""
    driver.refuse_in_capture("cuMemFreeHost")
    driver.wait_for(driver.streams())
    if not driver.host.free(address or 0):
        raise Refused(Status.INVALID_VALUE, f"no pinned memory begins at {address or 0:#x}")


@entry(HANDLE, SIZE, UNSIGNED)
def cuMemHostRegister(driver: Driver, address: int | None, size: int, flags: int) -> None:
    """Pin memory of the program."""
    driver.refuse_in_capture("cuMemHostRegister")
    _ = driver.context
    if not address or not size:
        raise Refused(Status.INVALID_VALUE, "no memory")
    if not driver.host.register(address, size):
        raise Refused(Status.HOST_MEMORY_ALREADY_REGISTERED, f"{address:#x}")


@entry(HANDLE)
def cuMemHostUnregister(driver: Driver, address: int | None) -> None:
    """The opposite, once all work is done."""
    driver.refuse_in_capture("cuMemHostUnregister")
    driver.wait_for(driver.streams())
    if not driver.host.unregister(address or 0):
        raise Refused(Status.HOST_MEMORY_NOT_REGISTERED, f"{address or 0:#x}")


@entry(POINTER, POINTER, ADDRESS)
def cuMemGetAddressRange(driver: Driver, base: int | None, size: int | None, address: int) -> None:
    """The allocation that an address lies in."""
    found = driver.arena.inside(address)
    if found is None:
        raise Refused(Status.NOT_FOUND, f"{address:#x} is in no allocation")
    if base:
        put(base, ctypes.c_ulonglong, found.address)
    if size:
        put(size, ctypes.c_size_t, found.size)


@entry(POINTER, INT, ADDRESS)
def cuPointerGetAttribute(driver: Driver, value: int, attribute: int, address: int) -> None:
    """What kind of memory an address is of, and whose."""
    found = driver.arena.inside(address)
    pinned = driver.host.is_pinned(address, 1)
    if found is None and not pinned:
        raise Refused(Status.INVALID_VALUE, f"{address:#x} is no memory of CUDA's")
    if attribute == _MEMORY_TYPE:
        put(value, ctypes.c_uint, 2 if found else 1)
    elif attribute == _DEVICE_ORDINAL:
        put(value, ctypes.c_int, found.device if found else 0)
    elif attribute == _CONTEXT:
        put(value, ctypes.c_void_p, driver.contexts[found.device if found else 0].handle)
    elif attribute == _DEVICE_POINTER or (attribute == _HOST_POINTER and pinned):
        put(value, ctypes.c_ulonglong, address)
    else:
        raise Refused(Status.INVALID_VALUE, f"attribute {attribute}")
