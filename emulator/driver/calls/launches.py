"""Launches of kernels: their sides, their memory, and whose it is."""

import ctypes
import struct
from typing import Any

from emulator.driver.arguments import extents_of
from emulator.driver.calls.kernels import Kernel
from emulator.driver.driver import Driver
from emulator.driver.registry import HANDLE, POINTER, UNSIGNED, entry
from emulator.driver.status import Refused, Status
from emulator.driver.work import Operation
from emulator.machine.limits import BLOCK, GRID, THREADS
from emulator.machine.types import Sides

_HEAD = struct.Struct("7I")  # CUlaunchConfig: grid, block, shared bytes; the stream follows


@entry(POINTER, HANDLE, POINTER, POINTER)
def cuLaunchKernelEx(
    driver: Driver, config: int, kernel: int | None, params: int | None, extra: int | None
) -> None:
    """A launch as CUlaunchConfig describes it; its attributes are not looked at."""
    *sides, shared = _HEAD.unpack(ctypes.string_at(config, _HEAD.size))
    stream = ctypes.c_void_p.from_address(config + 32).value
    _launch(driver, kernel, tuple(sides[:3]), tuple(sides[3:]), shared, stream, params, extra)


@entry(HANDLE, *[UNSIGNED] * 7, HANDLE, POINTER, POINTER)
def cuLaunchKernel(driver: Driver, kernel: int | None, *given: Any) -> None:
    """grid and block sides, shared bytes, stream, parameters."""
    *sides, shared, stream, params, extra = given
    _launch(driver, kernel, tuple(sides[:3]), tuple(sides[3:]), shared, stream, params, extra)


def _launch(
    driver: Driver,
    handle: int | None,
    grid: Sides,
    block: Sides,
    shared: int,
    stream_handle: int | None,
    params: int | None,
    extra: int | None,
) -> None:
    stream, kernel = driver.stream(stream_handle), driver.handles.get(handle, Kernel)
    if extra:
        raise Refused(Status.NOT_SUPPORTED, "parameters in a buffer")
    if stream.device != driver.context.device:
        raise Refused(Status.INVALID_HANDLE, "the stream belongs to another device's context")
    _check_limits(kernel, grid, block, shared, stream.device)
    data = _packed(kernel, params)
    extents = extents_of(kernel.program.kernel, data, driver.arena)
    _check_extents(driver, kernel, extents, stream.device)
    limit = kernel.most_shared(stream.device)

    def run() -> None:
        driver.machine.launch(kernel.program, grid, block, data, extents, shared, limit)

    touches = tuple(extents)
    driver.enqueue(
        stream,
        Operation(
            "kernel",
            stream.device,
            run,
            touches,
            lambda: _check_extents(driver, kernel, extents, stream.device),
        ),
    )


def _check_limits(kernel: Kernel, grid: Sides, block: Sides, shared: int, device: int) -> None:
    for what, sides, most in (("grid", grid, GRID), ("block", block, BLOCK)):
        if not all(1 <= side <= limit for side, limit in zip(sides, most, strict=True)):
            raise Refused(Status.INVALID_VALUE, f"{what} {sides}, at most {most}")
    code, threads = kernel.program.kernel, block[0] * block[1] * block[2]
    if threads > THREADS:
        raise Refused(Status.INVALID_VALUE, f"{threads} threads, at most {THREADS}")
    if threads > code.most_threads:
        why = f"{threads} threads, but {code.name} is compiled for {code.most_threads}"
        raise Refused(Status.LAUNCH_OUT_OF_RESOURCES, why)
    if code.shared_bytes + shared > kernel.most_shared(device):
        why = f"{code.shared_bytes} + {shared} bytes of shared memory for {code.name}"
        raise Refused(Status.INVALID_VALUE, why)


def _packed(kernel: Kernel, params: int | None) -> bytes:
    """The values that `params` points to, at their places."""
    code = kernel.program.kernel
    data = bytearray(code.param_bytes)
    if code.params and not params:
        raise Refused(Status.INVALID_VALUE, f"{code.name} takes {len(code.params)} parameters")
    pointers = (ctypes.c_void_p * len(code.params)).from_address(params or ctypes.addressof(_NONE))
    for pointer, place in zip(pointers, code.params.values(), strict=True):
        if not pointer:
            raise Refused(Status.INVALID_VALUE, "a parameter's pointer is NULL")
        data[place.offset : place.offset + place.size] = ctypes.string_at(pointer, place.size)
    return bytes(data)


_NONE = ctypes.c_void_p()


def _check_extents(
    driver: Driver, kernel: Kernel, extents: list[tuple[int, int]], device: int
) -> None:
    """Arrays must exist, whole, on the launch's device or on one that it reaches."""
    name = kernel.program.kernel.name
    for address, size in extents:
        found = driver.arena.inside(address, size)
        if found is None:
            why = f"{name} gets {size} bytes at {address:#x}, which are not inside an allocation"
        elif not driver.reaches(device, found.device):
            why = f"{name} on GPU {device} gets an array of GPU {found.device} without peer access"
        else:
            continue
        driver.report_fault(why)
        raise Refused(Status.ILLEGAL_ADDRESS, why)
