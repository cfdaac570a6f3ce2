"""The memory of all devices."""

import numpy as np

from emulator.machine import Allocation, Arena


def test_allocations_are_aligned_apart_and_full_of_nan():
    arena = Arena(1 << 16)
    first, second = arena.allocate(100), arena.allocate(1)
    assert first is not None and second is not None
    assert first % 512 == second % 512 == 0
    assert second - (first + 100) >= 512  # an index past the end meets nobody's memory
    assert np.isnan(arena.of(first, 100).view(np.float32)).all()
    arena.of(first, 100)[:] = 0
    arena.free(first)
    again = arena.allocate(100)
    assert again == first
    assert np.isnan(arena.of(again, 100).view(np.float32)).all()


def test_an_address_is_that_of_a_byte_of_this_process():
    arena = Arena(1 << 16)
    address = arena.allocate(4)
    assert address is not None
    arena.of(address, 4)[:] = 7
    assert arena.of(address, 4).ctypes.data == address
    assert arena.views[4][(address - arena.base) // 4] == 0x07070707


def test_what_an_address_is_inside_of():
    arena = Arena(1 << 16, devices=2)
    first, second = arena.allocate(100, 0), arena.allocate(50, 1)
    assert first is not None and second is not None
    assert arena.inside(first) == arena.inside(first + 99) == Allocation(first, 100, 0)
    assert arena.inside(second + 10, 40) == Allocation(second, 50, 1)
    assert arena.inside(second + 10, 41) is None
    assert arena.inside(first + 100) is None
    assert arena.inside(first - 1) is None
    assert arena.free(first)
    assert arena.inside(first) is None
    assert not arena.free(first)
    assert not arena.free(second + 4)


def test_devices_have_their_own_room_and_get_it_back():
    arena = Arena(1 << 14, devices=2)
    room = arena.room(0)
    found = []
    while (address := arena.allocate(1000, 0)) is not None:
        found.append(address)
    assert len(found) == len(set(found)) >= 8
    assert arena.allocate(1000, 1) is not None
    for address in found[::2] + found[1::2]:
        arena.free(address)
    assert arena.room(0) == room
    assert arena.allocate(room - 512, 0) == found[0]  # the pieces are joined
