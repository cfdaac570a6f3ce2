"""Memory: of devices and pinned; whose an address is; what may be freed, and when."""

import ctypes
import math

from tests.emulator.driver.host import Host
from tests.emulator.driver.refusals import refused


def test_memory_is_allocated_and_freed():
    host = Host()
    host.enter()
    before = host.driver.arena.room(0)
    address = host.alloc(100)
    assert all(map(math.isnan, host.read(address, 25))) and host.driver.arena.room(0) < before
    host.cuMemFree(address)
    assert host.driver.arena.room(0) == before
    host.cuMemFree(0)  # does nothing
    with refused("INVALID_VALUE", "no allocation begins"):
        host.cuMemFree(address)


def test_only_the_start_of_an_allocation_can_be_freed():
    host = Host()
    host.enter()
    address = host.alloc(1024)
    with refused("INVALID_VALUE", "no allocation begins"):
        host.cuMemFree(address + 512)
    host.cuMemFree(address)


def test_a_gpu_can_be_full_while_another_is_not():
    host = Host(gpus=2)
    host.enter(0)
    host.alloc(3 << 20)
    with refused("OUT_OF_MEMORY", "on GPU 0"):
        host.alloc(3 << 20)
    host.enter(1)
    host.alloc(3 << 20)
    with refused("INVALID_VALUE", "0 bytes"):
        host.alloc(0)


def test_an_address_has_a_device_and_an_extent():
    host = Host(gpus=2)
    host.enter(0)
    first = host.alloc()
    context = host.enter(1)
    second, pinned = host.alloc(100), host.pinned()
    assert host.made(ctypes.c_int, "cuPointerGetAttribute", 9, first) == 0
    assert host.made(ctypes.c_int, "cuPointerGetAttribute", 9, second) == 1
    assert host.made(ctypes.c_void_p, "cuPointerGetAttribute", 1, second) == context
    assert [host.made(ctypes.c_uint, "cuPointerGetAttribute", 2, a) for a in (first, pinned)] == [
        2,
        1,
    ]
    base, size = ctypes.c_uint64(), ctypes.c_size_t()
    host.cuMemGetAddressRange(ctypes.byref(base), ctypes.byref(size), second + 99)
    assert (base.value, size.value) == (second, 100)
    with refused("NOT_FOUND", "no allocation"):
        host.cuMemGetAddressRange(ctypes.byref(base), ctypes.byref(size), second + 100)
    other = ctypes.c_int()
    with refused("INVALID_VALUE", "no memory of CUDA's"):
        host.made(ctypes.c_int, "cuPointerGetAttribute", 9, ctypes.addressof(other))


def test_pinned_memory_is_freed_and_registered():
    host = Host()
    host.enter()
    pinned = host.pinned(100)
    assert host.driver.host.is_pinned(pinned + 60, 40)
    assert not host.driver.host.is_pinned(pinned + 61, 40)
    host.cuMemFreeHost(pinned)
    with refused("INVALID_VALUE", "no pinned memory"):
        host.cuMemFreeHost(pinned)
    own = ctypes.create_string_buffer(256)
    place = ctypes.addressof(own)
    host.cuMemHostRegister(place, 256, 0)
    with refused("HOST_MEMORY_ALREADY_REGISTERED"):
        host.cuMemHostRegister(place + 128, 4, 0)
    with refused("INVALID_VALUE", "no pinned memory"):
        host.cuMemFreeHost(place)
    host.cuMemHostUnregister(place)
    with refused("HOST_MEMORY_NOT_REGISTERED"):
        host.cuMemHostUnregister(place)


def test_freeing_waits_for_the_device():
    host = Host(late=True, seed=1)
    host.enter()
    x, y, pinned, stream = host.alloc(), host.alloc(), host.pinned(), host.stream()
    host.write(x, [1.0] * 16)
    host.cuMemcpyDtoHAsync(pinned, x, 64, stream)
    host.cuMemFree(x)
    assert (ctypes.c_float * 16).from_address(pinned)[:] == [1.0] * 16
    assert not host.driver.faults
    host.cuMemFree(y)


def test_memory_that_another_gpu_still_uses_is_not_freed():
    host = Host(gpus=2, late=True, seed=1)
    first = host.enter(0)
    x = host.alloc()
    host.enter(1)
    host.cuCtxEnablePeerAccess(first, 0)
    y, stream = host.alloc(), host.stream()
    host.cuMemcpyDtoDAsync(y, x, 64, stream)
    host.cuStreamSynchronize(stream)
    host.cuMemcpyDtoDAsync(y, x, 64, stream)
    host.cuMemFree(x)
    assert "a pending copy of GPU 1" in host.driver.faults[0]
    host.driver.faults.clear()
    with refused("ILLEGAL_ADDRESS", "freed"):
        host.cuStreamSynchronize(stream)
    z = host.alloc()  # the near twin: waited for before it is freed
    host.cuMemcpyDtoDAsync(y, z, 64, stream)
    host.cuStreamSynchronize(stream)
    host.driver.faults.clear()
    host.cuMemFree(z)
    assert not host.driver.faults
