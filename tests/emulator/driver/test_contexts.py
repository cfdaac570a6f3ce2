"""Contexts: a stack for each thread, primary contexts that are counted, devices, peer access."""

import ctypes
import threading

import pytest

from tests.emulator.driver.host import Host
from tests.emulator.driver.refusals import refused


def current(host):
    return host.made(ctypes.c_void_p, "cuCtxGetCurrent")


def popped(host):
    return host.made(ctypes.c_void_p, "cuCtxPopCurrent")


def test_the_stack_is_a_stack():
    host = Host(gpus=2)
    first, second = host.enter(0), host.enter(1)
    assert current(host) == second and popped(host) == second and current(host) == first
    host.cuCtxSetCurrent(second)  # replaces the top
    assert popped(host) == second and current(host) is None
    host.cuCtxSetCurrent(first)  # pushes on an empty one
    assert current(host) == first
    host.cuCtxSetCurrent(None)  # pops
    assert current(host) is None
    with refused("INVALID_CONTEXT", "empty"):
        popped(host)


def test_each_thread_has_its_own():
    host = Host()
    host.enter()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(current(host)))
    thread.start()
    thread.join()
    assert seen == [None] and current(host) is not None


def test_a_context_exists_as_often_as_it_was_retained():
    host = Host()
    context = host.enter()
    assert host.made(ctypes.c_void_p, "cuDevicePrimaryCtxRetain", 0) == context
    address, stream = host.alloc(), host.stream()
    host.cuDevicePrimaryCtxRelease(0)
    host.cuStreamSynchronize(stream)  # still there
    host.cuDevicePrimaryCtxRelease(0)
    with refused("CONTEXT_IS_DESTROYED"):
        host.alloc()
    with refused("INVALID_HANDLE", "no stream"):
        host.cuStreamSynchronize(stream)
    with refused("INVALID_VALUE", "no allocation"):
        host.cuMemFree(address)
    with refused("INVALID_CONTEXT", "not retained"):
        host.cuDevicePrimaryCtxRelease(0)
    with refused("INVALID_CONTEXT", "released"):
        host.cuCtxPushCurrent(context)


def test_a_reset_destroys_what_a_context_holds():
    host = Host()
    host.enter()
    address = host.alloc()
    host.cuDevicePrimaryCtxReset(0)
    with refused("INVALID_VALUE", "no allocation"):
        host.cuMemFree(address)
    host.alloc()  # a new one can be used


@pytest.mark.parametrize("name", ["cuMemAlloc", "cuStreamCreate", "cuEventCreate"])
def test_nothing_is_made_without_a_context(name):
    host = Host()
    with refused("INVALID_CONTEXT", "no context is current"):
        host.made(ctypes.c_void_p, name, 64 if name == "cuMemAlloc" else 0)
    host.enter()
    host.made(ctypes.c_void_p, name, 64 if name == "cuMemAlloc" else 0)


def test_devices_are_numbered():
    host = Host(gpus=2, capability="9.0")
    assert host.made(ctypes.c_int, "cuDeviceGetCount") == 2
    assert host.made(ctypes.c_int, "cuDeviceGet", 1) == 1
    assert host.made(ctypes.c_int, "cuDeviceGetAttribute", 75, 1) == 9
    assert host.made(ctypes.c_int, "cuDeviceGetAttribute", 97, 0) == 227 * 1024
    with refused("INVALID_DEVICE", "device 2 of 2"):
        host.made(ctypes.c_int, "cuDeviceGet", 2)
    with refused("INVALID_VALUE", "NULL"):
        host.cuDeviceGetCount(None)


def test_peer_access_is_enabled_once_in_one_direction():
    host = Host(gpus=2)
    first, second = host.enter(0), host.enter(1)
    host.cuCtxEnablePeerAccess(first, 0)
    with refused("PEER_ACCESS_ALREADY_ENABLED"):
        host.cuCtxEnablePeerAccess(first, 0)
    with refused("INVALID_VALUE", "another device"):
        host.cuCtxEnablePeerAccess(second, 0)
    assert host.driver.reaches(1, 0) and not host.driver.reaches(0, 1)
    host.cuCtxDisablePeerAccess(first)
    with refused("PEER_ACCESS_NOT_ENABLED"):
        host.cuCtxDisablePeerAccess(first)
    assert not host.driver.reaches(1, 0)


@pytest.mark.parametrize("peers", [True, False])
def test_peer_access_may_not_exist(peers):
    host = Host(gpus=2, peers=peers)
    first, _ = host.enter(0), host.enter(1)
    assert host.made(ctypes.c_int, "cuDeviceCanAccessPeer", 0, 1) == int(peers)
    assert host.made(ctypes.c_int, "cuDeviceCanAccessPeer", 0, 0) == 0
    if peers:
        host.cuCtxEnablePeerAccess(first, 0)
    else:
        with refused("PEER_ACCESS_UNSUPPORTED"):
            host.cuCtxEnablePeerAccess(first, 0)


def test_an_entry_point_that_is_not_emulated_says_so():
    host = Host()
    with refused("NOT_SUPPORTED", "the emulator has no cuTexObjectCreate"):
        host.cuTexObjectCreate()
    assert host.table.missing == {"cuTexObjectCreate": 1}
