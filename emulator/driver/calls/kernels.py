"""Libraries of kernels, which are PTX here; kernels and their attributes."""

import ctypes
from dataclasses import dataclass, field

from emulator.driver.calls.devices import most_shared
from emulator.driver.driver import Driver
from emulator.driver.programs import programs_of
from emulator.driver.registry import HANDLE, INT, POINTER, SIZE, TEXT, UNSIGNED, entry, put
from emulator.driver.status import Refused, Status
from emulator.machine import Program
from emulator.machine.limits import SHARED
from emulator.ptx import PtxError

_MOST_THREADS, _SHARED, _CONSTANT, _LOCAL, _REGISTERS = 0, 1, 2, 3, 4
_PTX_VERSION, _BINARY_VERSION, _DYNAMIC_SHARED = 5, 6, 8


@dataclass(eq=False)
class Kernel:
    """A program in a library.  dynamic: its bytes of dynamic shared memory, by device."""

    program: Program
    library: int
    dynamic: dict[int, int] = field(default_factory=dict)

    def most_shared(self, device: int) -> int:
        """Bytes of shared memory that a launch may have, static ones included."""
        static = self.program.kernel.shared_bytes
        return max(SHARED, static + self.dynamic.get(device, 0))


@dataclass(eq=False)
class Library:
    """Kernels by name: handles."""

    kernels: dict[str, int]


@entry(POINTER, TEXT, POINTER, POINTER, UNSIGNED, POINTER, POINTER, UNSIGNED)
def cuLibraryLoadData(driver: Driver, library: int, code: bytes, *options: int | None) -> None:
    """Parse and translate the kernels of a module of PTX."""
    driver.refuse_in_capture("cuLibraryLoadData")
    try:
        programs = programs_of(code.decode())
    except (PtxError, UnicodeDecodeError) as problem:
        driver.report_fault(f"a module that the emulator cannot run: {problem}")
        raise Refused(Status.INVALID_PTX, str(problem)) from None
    made = Library({})
    handle = driver.handles.new(made)
    for name, program in programs.items():
        made.kernels[name] = driver.handles.new(Kernel(program, handle))
    put(library, ctypes.c_void_p, handle)


@entry(HANDLE)
def cuLibraryUnload(driver: Driver, library: int | None) -> None:
    """Its kernels are gone too, once all work is done."""
    driver.refuse_in_capture("cuLibraryUnload")
    driver.wait_for(driver.streams())
    for kernel in driver.handles.remove(library, Library).kernels.values():
        driver.handles.remove(kernel, Kernel)


@entry(POINTER, HANDLE, TEXT)
def cuLibraryGetKernel(driver: Driver, kernel: int, library: int | None, name: bytes) -> None:
    """A kernel by its name."""
    found = driver.handles.get(library, Library).kernels.get(name.decode())
    if found is None:
        raise Refused(Status.NOT_FOUND, f"no kernel {name.decode()}")
    put(kernel, ctypes.c_void_p, found)


@entry(POINTER, HANDLE)
def cuLibraryGetKernelCount(driver: Driver, count: int, library: int | None) -> None:
    """How many kernels a library has."""
    put(count, ctypes.c_uint, len(driver.handles.get(library, Library).kernels))


@entry(POINTER, HANDLE)
def cuKernelGetLibrary(driver: Driver, library: int, kernel: int | None) -> None:
    """The library of a kernel."""
    put(library, ctypes.c_void_p, driver.handles.get(kernel, Kernel).library)


@entry(POINTER, INT, HANDLE, INT)
def cuKernelGetAttribute(
    driver: Driver, value: int, attribute: int, kernel: int | None, device: int
) -> None:
    """What the PTX says; registers are unknown before ptxas, and told as 0."""
    found = driver.handles.get(kernel, Kernel)
    code = found.program.kernel
    major, minor = driver.options.major_minor
    known = {
        _MOST_THREADS: code.most_threads,
        _SHARED: code.shared_bytes,
        _CONSTANT: 0,
        _LOCAL: code.local_bytes,
        _REGISTERS: 0,
        _PTX_VERSION: 10 * major + minor,
        _BINARY_VERSION: 10 * major + minor,
        _DYNAMIC_SHARED: found.most_shared(driver.device(device)) - code.shared_bytes,
    }
    if attribute not in known:
        raise Refused(Status.INVALID_VALUE, f"attribute {attribute} of a kernel")
    put(value, ctypes.c_int, known[attribute])


@entry(INT, INT, HANDLE, INT)
def cuKernelSetAttribute(
    driver: Driver, attribute: int, value: int, kernel: int | None, device: int
) -> None:
    """Dynamic shared memory beyond 48 KB has to be allowed, up to the device's limit."""
    found = driver.handles.get(kernel, Kernel)
    if attribute != _DYNAMIC_SHARED:
        raise Refused(Status.INVALID_VALUE, f"attribute {attribute} cannot be set")
    most = most_shared(driver.options.capability) - found.program.kernel.shared_bytes
    if not 0 <= value <= most:
        why = f"{value} bytes of dynamic shared memory, at most {most}"
        raise Refused(Status.INVALID_VALUE, why)
    found.dynamic[driver.device(device)] = value


@entry(HANDLE, SIZE, POINTER, POINTER)
def cuKernelGetParamInfo(
    driver: Driver, kernel: int | None, index: int, offset: int, size: int | None
) -> None:
    """Where a parameter lies, and its size."""
    places = list(driver.handles.get(kernel, Kernel).program.kernel.params.values())
    if index >= len(places):
        raise Refused(Status.INVALID_VALUE, f"parameter {index} of {len(places)}")
    put(offset, ctypes.c_size_t, places[index].offset)
    if size:
        put(size, ctypes.c_size_t, places[index].size)
