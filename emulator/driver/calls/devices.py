"""Devices: how many, their names and attributes, and which reach whose memory."""

import ctypes

from emulator.driver.driver import Driver
from emulator.driver.registry import INT, POINTER, SIZE, UNSIGNED, entry, fill, put
from emulator.driver.status import Refused, Status
from emulator.machine.limits import BLOCK, GRID, THREADS

CUDA_VERSION = 13050
NAME = "emulated GPU"
# CUdevice_attribute.  What compiled code and programs ask for; anything else is 0.
_LIMITS = {1: THREADS, **dict(zip((2, 3, 4, 5, 6, 7), (*BLOCK, *GRID), strict=True))}
_ATTRIBUTES = {
    **_LIMITS,
    8: 48 * 1024,  # shared memory of a block, in bytes
    9: 64 * 1024,  # constant memory
    10: 32,  # threads of a warp
    12: 64 * 1024,  # registers of a block
    13: 1_400_000,  # clock rate, kHz
    16: 108,  # multiprocessors
    19: 1,  # can map host memory
    31: 1,  # concurrent kernels
    39: 2048,  # threads of a multiprocessor
    40: 2,  # copy engines
    41: 1,  # unified addressing
    82: 64 * 1024,  # registers of a multiprocessor
    106: 32,  # blocks of a multiprocessor
}
# Shared memory by compute capability (CUDA C++ programming guide, "Technical specifications"):
# bytes of a multiprocessor, and the most of a block.
_SHARED = {
    "8.0": (164, 163), "8.6": (100, 99), "8.9": (100, 99), "9.0": (228, 227), "10.0": (228, 227),
    "12.0": (100, 99),
}  # fmt: skip


def most_shared(capability: str) -> int:
    """Return the bytes of shared memory that a block can be allowed."""
    return _SHARED[capability][1] * 1024


@entry(UNSIGNED)
def cuInit(driver: Driver, flags: int) -> None:
    """There is nothing to initialize."""


@entry(POINTER)
def cuDriverGetVersion(driver: Driver, version: int) -> None:
    """The newest CUDA that is emulated."""
    put(version, ctypes.c_int, CUDA_VERSION)


@entry(POINTER)
def cuDeviceGetCount(driver: Driver, count: int) -> None:
    """The number of GPUs."""
    put(count, ctypes.c_int, driver.options.gpus)


@entry(POINTER, INT)
def cuDeviceGet(driver: Driver, device: int, number: int) -> None:
    """A device's handle is its number."""
    put(device, ctypes.c_int, driver.device(number))


@entry(POINTER, INT, INT)
def cuDeviceGetName(driver: Driver, name: int, size: int, device: int) -> None:
    """A name that no real GPU has."""
    driver.device(device)
    fill(name, size, NAME.encode() + b"\0")


@entry(POINTER, INT)
def cuDeviceGetUuid(driver: Driver, uuid: int, device: int) -> None:
    """Sixteen bytes, other ones for each device."""
    fill(uuid, 16, bytes([driver.device(device) + 1] * 16))


@entry(POINTER, INT)
def cuDeviceTotalMem(driver: Driver, size: int, device: int) -> None:
    """Bytes of a device's memory."""
    driver.device(device)
    put(size, ctypes.c_size_t, driver.options.memory)


@entry(POINTER, INT, INT)
def cuDeviceGetAttribute(driver: Driver, value: int, attribute: int, device: int) -> None:
    """A limit or a property."""
    driver.device(device)
    major, minor = driver.options.major_minor
    whole, block = _SHARED[driver.options.capability]
    found = {75: major, 76: minor, 81: whole * 1024, 97: block * 1024, **_ATTRIBUTES}
    put(value, ctypes.c_int, found.get(attribute, 0))


@entry(POINTER, INT, INT)
def cuDeviceCanAccessPeer(driver: Driver, value: int, device: int, other: int) -> None:
    """Whether peer access can be enabled; no device is its own peer."""
    pair = driver.device(device), driver.device(other)
    put(value, ctypes.c_int, int(driver.options.peers and pair[0] != pair[1]))


@entry(POINTER, POINTER)
def cuMemGetInfo(driver: Driver, free: int, total: int) -> None:
    """Free and all bytes of the current device."""
    put(free, ctypes.c_size_t, driver.arena.room(driver.context.device))
    put(total, ctypes.c_size_t, driver.options.memory)


_texts: dict[str, ctypes.Array[ctypes.c_char]] = {}  # which programs keep pointers to


def _tell(place: int, text: str) -> None:
    memory = _texts.setdefault(text, ctypes.create_string_buffer(text.encode()))
    put(place, ctypes.c_void_p, ctypes.addressof(memory))


@entry(INT, POINTER)
def cuGetErrorName(driver: Driver, code: int, text: int) -> None:
    """The name of a status."""
    _tell(text, _known(code).title)


@entry(INT, POINTER)
def cuGetErrorString(driver: Driver, code: int, text: int) -> None:
    """The status in words, and the newest rule that was broken with it."""
    status = _known(code)
    mine = [line for line in driver.refusals if status.title in line]
    if status is Status.LAUNCH_FAILED and driver.faults:
        mine = driver.faults
    _tell(text, mine[-1] if mine else status.name.lower().replace("_", " "))


def _known(code: int) -> Status:
    try:
        return Status(code)
    except ValueError:
        raise Refused(Status.INVALID_VALUE, f"{code} is no status of the emulator") from None


@entry(SIZE)
def cuProfilerStart(driver: Driver, nothing: int = 0) -> None:
    """There is no profiler."""


@entry(SIZE)
def cuProfilerStop(driver: Driver, nothing: int = 0) -> None:
    """There is no profiler."""
