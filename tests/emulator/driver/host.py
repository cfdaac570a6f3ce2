"""Calls of the emulated driver's entry points, as a program in C makes them."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.driver import Driver, Status, Table
from emulator.options import Options

NON_BLOCKING, GLOBAL, THREAD, RELAXED = 1, 0, 1, 2

# y[i] = x[i] + add, over `count` values, in Numba's way of passing arrays or as plain pointers.
ADD = """
.version 8.0
.target sm_80
.address_size 64
.visible .entry add(.param .u64 x, .param .u64 y, .param .u32 count, .param .f32 more)
.maxntid 256
{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    .reg .f32 %f<4>;
    .reg .b64 %rd<6>;
    ld.param.u64 %rd1, [x];
    ld.param.u64 %rd2, [y];
    ld.param.u32 %r1, [count];
    ld.param.f32 %f1, [more];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.s32 %p1, %r5, %r1;
    @%p1 bra $end;
    mul.wide.s32 %rd3, %r5, 4;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.f32 %f2, [%rd4];
    add.rn.f32 %f3, %f2, %f1;
    add.s64 %rd5, %rd2, %rd3;
    st.global.f32 [%rd5], %f3;
$end:
    ret;
}
"""


class Refusal(Exception):
    """A call's status, which is not SUCCESS."""

    def __init__(self, status: Status, why: str):
        super().__init__(f"{status.title}: {why}")
        self.status = status


class Host:
    """A program's view of emulated GPUs.  host.cuMemFree(address) raises Refusal where refused."""

    def __init__(self, **options):
        self.table = Table(Driver(Options(memory=1 << 22, **options)))
        self.driver = self.table.driver

    def __getattr__(self, name):
        function = self.table.function(name)

        def call(*arguments):
            status = Status(function(*arguments))
            if status is not Status.SUCCESS:
                raise Refusal(status, (self.driver.refusals + self.driver.faults or [""])[-1])

        return call

    def made(self, kind, name, *arguments):
        """The result that an entry point writes to its first argument."""
        place = kind()
        getattr(self, name)(ctypes.byref(place), *arguments)
        return place.value

    # -- what most tests need ------------------------------------------------------------------

    def enter(self, device=0):
        """Retain a device's context and make it the current one."""
        context = self.made(ctypes.c_void_p, "cuDevicePrimaryCtxRetain", device)
        self.cuCtxPushCurrent(context)
        return context

    @contextmanager
    def on(self, context) -> Iterator[None]:
        self.cuCtxPushCurrent(context)
        yield
        self.cuCtxPopCurrent(None)

    def alloc(self, size=64):
        return self.made(ctypes.c_ulonglong, "cuMemAlloc", size)

    def pinned(self, size=64):
        return self.made(ctypes.c_void_p, "cuMemHostAlloc", size, 0)

    def stream(self, flags=NON_BLOCKING):
        return self.made(ctypes.c_void_p, "cuStreamCreate", flags)

    def event(self, flags=0):
        return self.made(ctypes.c_void_p, "cuEventCreate", flags)

    def kernel(self, text=ADD, name=b"add"):
        library = self.made(
            ctypes.c_void_p, "cuLibraryLoadData", text.encode(), None, None, 0, None, None, 0
        )
        return self.made(ctypes.c_void_p, "cuLibraryGetKernel", library, name)

    def add(self, kernel, x, y, count, more, stream=None, block=64, shared=0, grid=1):
        """Launch the kernel `add`."""
        values = ctypes.c_uint64(x), ctypes.c_uint64(y), ctypes.c_int(count), ctypes.c_float(more)
        pointers = (ctypes.c_void_p * 4)(*map(ctypes.addressof, values))
        self.cuLaunchKernel(kernel, grid, 1, 1, block, 1, 1, shared, stream, pointers, None)

    def write(self, address, values):
        """Set float32 values of a device, and wait for it."""
        data = (ctypes.c_float * len(values))(*values)
        self.cuMemcpyHtoD(address, data, ctypes.sizeof(data))
        self.cuCtxSynchronize()

    def read(self, address, count):
        """float32 values of a device."""
        data = (ctypes.c_float * count)()
        self.cuMemcpyDtoH(data, address, ctypes.sizeof(data))
        return list(data)


def floats(address, count):
    """Values of the host's memory."""
    return list((ctypes.c_float * count).from_address(address))


def put(address, values):
    """Set values of the host's memory."""
    (ctypes.c_float * len(values)).from_address(address)[:] = values
