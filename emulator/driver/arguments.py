"""Which memory a launch's parameters give a kernel.

Numba passes an array as 0, 0, number of values, bytes of a value, address, shape, strides, each in
8 bytes: the kernel may touch just these values.  Any other parameter of 8 bytes that is an address
of a device's memory stands for the allocation that it lies in.
"""

import struct
from math import prod

from emulator.machine import Arena
from emulator.ptx import Kernel

_VALUE_BYTES = (1, 2, 4, 8, 16)
_MOST_DIMENSIONS = 8


def extents_of(kernel: Kernel, data: bytes, arena: Arena) -> list[tuple[int, int]]:
    """Return (address, bytes) of all memory that the packed parameters give a kernel."""
    words = [
        struct.unpack_from("q", data, place.offset)[0] if place.size == 8 else None
        for place in kernel.params.values()
    ]
    found, number = [], 0
    while number < len(words):
        array = _array(words[number:])
        if array is not None:
            address, size = array
            if size:
                found.append((address, size))
            number += 5
            continue
        value = words[number]
        allocation = arena.inside(value) if value else None
        if allocation is not None:
            found.append((allocation.address, allocation.size))
        number += 1
    return found


def _array(words: list[int | None]) -> tuple[int, int] | None:
    """The address and bytes of an array that begins with the first word; None if none does."""
    if len(words) < 7 or words[0] != 0 or words[1] != 0:
        return None
    count, width, address = words[2:5]
    if count is None or width not in _VALUE_BYTES or address is None or count < 0:
        return None
    for dimensions in range(1, _MOST_DIMENSIONS + 1):
        shape = [word for word in words[5 : 5 + dimensions] if word is not None]
        strides = [word for word in words[5 + dimensions : 5 + 2 * dimensions] if word is not None]
        if len(strides) < dimensions:
            return None
        if prod(shape) == count and all(stride % width == 0 for stride in strides):
            return address, _spanned(shape, strides, width) if count else 0
    return None


def _spanned(shape: list[int], strides: list[int], width: int) -> int:
    """Bytes from the first to the last value, for strides that are not negative."""
    return width + sum((n - 1) * max(s, 0) for n, s in zip(shape, strides, strict=True))
