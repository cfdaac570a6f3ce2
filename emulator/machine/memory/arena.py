"""The memory of all devices: one piece of this process's memory, cut into allocations."""

from bisect import bisect_right, insort
from dataclasses import dataclass

import numpy as np

from emulator.machine.memory.reserved import reserved
from emulator.machine.types import Array, Bytes

ALIGNMENT = 512  # of allocations; a real driver's are aligned to 256 bytes at least
GAP = 512  # bytes between allocations that belong to none
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True)
class Allocation:
    """`size` bytes at `address`, of a device."""

    address: int
    size: int
    device: int


class Arena:
    """Memory of `size` bytes for each of some devices; addresses are those of this process.

    Allocated memory begins as bytes 0xFF: NaN in every floating-point type.
    """

    def __init__(self, size: int, devices: int = 1) -> None:
        size = -(-size // ALIGNMENT) * ALIGNMENT
        self.size, self.devices = size, devices
        self.bytes: Bytes = reserved((size + GAP) * devices)
        self.base: int = self.bytes.ctypes.data
        self.views: dict[int, Array] = {n: self.bytes.view(dtype) for n, dtype in UNSIGNED.items()}
        self._free = [
            [(self.base + (size + GAP) * device, size)] if size else [] for device in range(devices)
        ]
        self._allocations: dict[int, Allocation] = {}
        self._starts: list[int] = []

    def allocate(self, size: int, device: int = 0) -> int | None:
        """Return the address of `size` > 0 new bytes, or None where there is no room for them."""
        needed = -(-size // ALIGNMENT) * ALIGNMENT + GAP
        rooms = self._free[device]
        for place, (start, room) in enumerate(rooms):
            if room >= needed:
                rooms[place : place + 1] = [(start + needed, room - needed)]
                self._allocations[start] = Allocation(start, size, device)
                insort(self._starts, start)
                self.of(start, size)[:] = 0xFF
                return start
        return None

    def free(self, address: int) -> bool:
        """Take back an allocation; returns False if none begins at the address."""
        allocation = self._allocations.pop(address, None)
        if allocation is None:
            return False
        self._starts.remove(address)
        needed = -(-allocation.size // ALIGNMENT) * ALIGNMENT + GAP
        rooms = self._free[allocation.device]
        insort(rooms, (address, needed))
        self._free[allocation.device] = _joined(rooms)
        return True

    def inside(self, address: int, size: int = 1) -> Allocation | None:
        """Return the allocation that holds all of `size` bytes at an address, or None."""
        place = bisect_right(self._starts, address) - 1
        if place < 0:
            return None
        found = self._allocations[self._starts[place]]
        return found if address + size <= found.address + found.size else None

    def allocations(self, device: int) -> list[Allocation]:
        """Return all allocations of a device."""
        return [found for found in self._allocations.values() if found.device == device]

    def room(self, device: int) -> int:
        """Return the bytes of a device that are free."""
        return sum(room for _, room in self._free[device])

    def of(self, address: int, size: int) -> Bytes:
        """Return a view of `size` bytes at an address."""
        start = address - self.base
        return self.bytes[start : start + size]


def _joined(rooms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sorted free rooms, those that touch made one."""
    found: list[tuple[int, int]] = []
    for start, room in rooms:
        if found and found[-1][0] + found[-1][1] == start:
            found[-1] = found[-1][0], found[-1][1] + room
        elif room:
            found.append((start, room))
    return found
