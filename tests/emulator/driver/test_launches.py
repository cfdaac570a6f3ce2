"""Libraries, kernels and launches: limits, parameters, and whose memory a kernel may touch."""

import ctypes

import pytest

from emulator.driver.arguments import extents_of
from emulator.ptx import parse
from tests.emulator.driver.host import ADD, Host
from tests.emulator.driver.refusals import refused


@pytest.fixture
def host():
    found = Host()
    found.enter()
    return found


def test_a_kernel_runs(host):
    kernel, x, y = host.kernel(), host.alloc(), host.alloc()
    host.write(x, range(16))
    host.add(kernel, x, y, 16, 0.5)
    assert host.read(y, 16) == [n + 0.5 for n in range(16)]


def test_a_kernel_that_leaves_its_arrays_is_a_fault(host):
    kernel, x, y = host.kernel(), host.alloc(), host.alloc()
    host.add(kernel, x, y, 16, 0.5)
    with refused("LAUNCH_FAILED", "add"):
        host.add(kernel, x, y, 17, 0.5)
    assert "ld.global.f32" in host.driver.faults[0]
    host.add(kernel, x, y, 16, 0.5)  # the next launch is one of its own


def test_late_faults_come_when_the_host_waits():
    host = Host(late=True, seed=5)
    host.enter()
    kernel, x, y, stream = host.kernel(), host.alloc(), host.alloc(), host.stream()
    host.add(kernel, x, y, 17, 0.5, stream)
    assert not host.driver.faults
    with refused("LAUNCH_FAILED"):
        host.cuStreamSynchronize(stream)
    assert "seed 5" in host.driver.faults[0]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"grid": 0}, "INVALID_VALUE"),
        ({"grid": 2**31}, "INVALID_VALUE"),
        ({"block": 0}, "INVALID_VALUE"),
        ({"block": 1025}, "INVALID_VALUE"),
        ({"block": 257}, "LAUNCH_OUT_OF_RESOURCES"),
        ({"shared": 48 * 1024 + 1}, "INVALID_VALUE"),
    ],
    ids=str,
)
def test_limits_of_a_launch(host, options, status):
    kernel, x, y = host.kernel(), host.alloc(), host.alloc()
    with refused(status):
        host.add(kernel, x, y, 16, 0.5, **options)
    host.add(kernel, x, y, 16, 0.5, block=256, shared=48 * 1024, grid=1)


def test_more_shared_memory_has_to_be_allowed_up_to_the_devices_limit(host):
    kernel, x, y = host.kernel(), host.alloc(), host.alloc()
    with refused("INVALID_VALUE", "at most 166912"):
        host.cuKernelSetAttribute(8, 164 * 1024, kernel, 0)
    host.cuKernelSetAttribute(8, 100 * 1024, kernel, 0)
    assert host.made(ctypes.c_int, "cuKernelGetAttribute", 8, kernel, 0) == 100 * 1024
    host.add(kernel, x, y, 16, 0.5, shared=100 * 1024)
    with refused("INVALID_VALUE"):
        host.add(kernel, x, y, 16, 0.5, shared=100 * 1024 + 1)


def test_arrays_of_another_gpu_need_peer_access():
    host = Host(gpus=2)
    first = host.enter(0)
    x = host.alloc()
    second = host.enter(1)
    y, kernel = host.alloc(), host.kernel()
    with refused("ILLEGAL_ADDRESS", "GPU 1 gets an array of GPU 0 without peer access"):
        host.add(kernel, x, y, 16, 0.5)
    host.cuCtxEnablePeerAccess(first, 0)
    host.add(kernel, x, y, 16, 0.5)
    with host.on(first), refused("ILLEGAL_ADDRESS", "GPU 0 gets an array of GPU 1"):
        host.add(kernel, x, y, 16, 0.5)
    assert second


def test_a_stream_of_another_context_is_refused():
    host = Host(gpus=2)
    host.enter(0)
    stream = host.stream()
    host.enter(1)
    x, y, kernel = host.alloc(), host.alloc(), host.kernel()
    with refused("INVALID_HANDLE", "another device's context"):
        host.add(kernel, x, y, 16, 0.5, stream)
    host.add(kernel, x, y, 16, 0.5, host.stream())


def test_memory_must_still_be_there_when_a_late_kernel_runs():
    host = Host(gpus=2, late=True, seed=1)
    first = host.enter(0)
    x = host.alloc()
    host.enter(1)
    host.cuCtxEnablePeerAccess(first, 0)
    y, kernel, stream = host.alloc(), host.kernel(), host.stream()
    host.add(kernel, x, y, 16, 0.5, stream)
    host.cuMemFree(x)  # of the other GPU, which does not wait for this one
    with refused("ILLEGAL_ADDRESS", "not inside an allocation"):
        host.cuStreamSynchronize(stream)


def test_libraries(host):
    library = host.made(
        ctypes.c_void_p, "cuLibraryLoadData", ADD.encode(), None, None, 0, None, None, 0
    )
    assert host.made(ctypes.c_uint, "cuLibraryGetKernelCount", library) == 1
    kernel = host.made(ctypes.c_void_p, "cuLibraryGetKernel", library, b"add")
    assert host.made(ctypes.c_void_p, "cuKernelGetLibrary", kernel) == library
    assert host.made(ctypes.c_int, "cuKernelGetAttribute", 0, kernel, 0) == 256
    offset, size = ctypes.c_size_t(), ctypes.c_size_t()
    host.cuKernelGetParamInfo(kernel, 3, ctypes.byref(offset), ctypes.byref(size))
    assert (offset.value, size.value) == (20, 4)
    with refused("INVALID_VALUE", "parameter 4 of 4"):
        host.cuKernelGetParamInfo(kernel, 4, ctypes.byref(offset), None)
    with refused("NOT_FOUND", "no kernel sub"):
        host.made(ctypes.c_void_p, "cuLibraryGetKernel", library, b"sub")
    host.cuLibraryUnload(library)
    with refused("INVALID_HANDLE", "no kernel"):
        host.made(ctypes.c_void_p, "cuKernelGetLibrary", kernel)


def test_code_that_is_no_ptx_is_refused(host):
    bad = ADD.replace("add.rn.f32", "frobnicate.rn.f32")
    with refused("INVALID_PTX", "frobnicate"):
        host.kernel(bad)
    with refused("INVALID_PTX"):
        host.made(ctypes.c_void_p, "cuLibraryLoadData", b"\xff", None, None, 0, None, None, 0)


def extents(host, *words):
    import struct

    parameters = ", ".join(f".param .u64 p{i}" for i in range(len(words)))
    text = (
        f".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k({parameters}) {{ ret; }}"
    )
    return extents_of(parse(text)["k"], struct.pack(f"{len(words)}q", *words), host.driver.arena)


def test_the_memory_of_an_array_is_that_of_its_values(host):
    x = host.alloc(1024)
    whole = (x, 1024)
    assert extents(host, x) == extents(host, x + 100) == [whole]
    assert extents(host, 7) == []
    assert extents(host, 0, 0, 10, 4, x + 8, 10, 4) == [(x + 8, 40)]
    assert extents(host, 0, 0, 12, 4, x, 3, 4, 16, 4) == [(x, 48)]
    assert extents(host, 0, 0, 12, 1, x, 12, 1, 1, 1, 5) == [(x, 12)]
    assert extents(host, 0, 0, 6, 4, x, 3, 2, 64, 8) == [(x, 2 * 64 + 8 + 4)]  # a slice
    assert extents(host, 0, 0, 0, 4, 0, 0, 4) == []
    assert extents(host, 0, 0, 10, 4, x, 10, 4, x) == [(x, 40), whole]
