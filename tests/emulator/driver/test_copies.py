"""Copies: what they wait for, what they may read and write, pinned memory or not."""

import ctypes

import pytest

from tests.emulator.driver.host import Host, floats, put
from tests.emulator.driver.refusals import refused

LATE = {"late": True, "seed": 3}


@pytest.fixture
def host():
    found = Host(**LATE)
    found.enter()
    return found


def test_bytes_must_be_inside_one_allocation(host):
    x, y, data = host.alloc(), host.alloc(), (ctypes.c_float * 32)()
    host.cuMemcpyHtoD(x + 32, data, 32)
    for call, *arguments in (
        (host.cuMemcpyHtoD, x + 32, data, 33),
        (host.cuMemcpyDtoH, data, x - 1, 4),
        (host.cuMemcpyDtoD, x, y, 65),
        (host.cuMemsetD8, x, 0, 65),
        (host.cuMemcpyHtoD, ctypes.addressof(data), data, 4),
    ):
        with refused("INVALID_VALUE", "not inside an allocation"):
            call(*arguments)
    host.cuMemcpyHtoD(0, None, 0)  # nothing to copy


def test_pinned_memory_is_read_when_the_copy_runs(host):
    x, pinned, stream = host.alloc(), host.pinned(), host.stream()
    put(pinned, [1.0] * 16)
    host.cuMemcpyHtoDAsync(x, pinned, 64, stream)
    put(pinned, [2.0] * 16)  # a mistake: the copy is still under way
    host.cuStreamSynchronize(stream)
    assert host.read(x, 16) == [2.0] * 16


def test_other_memory_is_read_before_the_call_returns(host):
    x, stream, data = host.alloc(), host.stream(), (ctypes.c_float * 16)(*[1.0] * 16)
    host.cuMemcpyHtoDAsync(x, data, 64, stream)
    data[:] = [2.0] * 16
    host.cuStreamSynchronize(stream)
    assert host.read(x, 16) == [1.0] * 16


def test_pinned_memory_is_written_when_the_copy_runs(host):
    x, pinned, stream = host.alloc(), host.pinned(), host.stream()
    host.write(x, [1.0] * 16)
    put(pinned, [0.0] * 16)
    host.cuMemcpyDtoHAsync(pinned, x, 64, stream)
    assert floats(pinned, 16) == [0.0] * 16
    host.cuStreamSynchronize(stream)
    assert floats(pinned, 16) == [1.0] * 16


def test_other_memory_is_written_before_the_call_returns(host):
    x, stream, data = host.alloc(), host.stream(), (ctypes.c_float * 16)()
    host.write(x, [1.0] * 16)
    host.cuMemcpyDtoHAsync(data, x, 64, stream)
    assert list(data) == [1.0] * 16


def test_copies_of_the_default_stream_wait_for_no_stream_that_does_not_block():
    seen = set()
    for seed in range(6):
        other = Host(late=True, seed=seed)
        other.enter()
        y, source, stream = other.alloc(), other.pinned(), other.stream()
        other.write(y, [1.0])
        put(source, [5.0])
        other.cuMemcpyHtoDAsync(y, source, 4, stream)
        seen.add(other.read(y, 1)[0])
    assert seen == {1.0, 5.0}  # by seed: nothing says which comes first


def test_a_synchronous_copy_of_the_default_stream_may_arrive_later():
    """The source has been read; a stream that does not block can be earlier."""
    seen = set()
    for seed in range(8):
        other = Host(late=True, seed=seed)
        other.enter()
        x, y, stream = other.alloc(), other.alloc(), other.stream()
        other.write(x, [1.0])
        other.cuMemcpyHtoD(x, (ctypes.c_float * 1)(2.0), 4)
        other.cuMemcpyDtoDAsync(y, x, 4, stream)
        other.cuStreamSynchronize(stream)
        seen.add(other.read(y, 1)[0])
    assert seen == {1.0, 2.0}


def test_copies_between_devices():
    host = Host(gpus=2, peers=False)
    first = host.enter(0)
    x = host.alloc()
    host.write(x, [3.0])
    second = host.enter(1)
    y, stream = host.alloc(), host.stream()
    host.cuMemcpyDtoDAsync(y, x, 4, stream)  # without peer access too
    host.cuMemcpyPeerAsync(y + 4, second, x, first, 4, stream)
    host.cuStreamSynchronize(stream)
    assert host.read(y, 2) == [3.0, 3.0]
    with refused("INVALID_VALUE", "of another device"):
        host.cuMemcpyPeerAsync(y, first, x, first, 4, stream)


def test_bytes_are_set_in_the_order_of_the_stream(host):
    x, stream = host.alloc(), host.stream()
    host.cuMemsetD8Async(x, 0x3F, 64, stream)
    host.cuMemsetD8Async(x, 0, 32, stream)
    host.cuStreamSynchronize(stream)
    found = host.read(x, 16)
    assert found[:8] == [0.0] * 8 and found[8] == found[15] != 0.0
