"""Launches of the CUDA backend on the emulator's machine, without an engine, over reserved memory.

Memory takes room only where it is touched, so that the arrays of large networks fit.
"""

import struct

import numpy as np

from convnet.backends.cuda.runtime.launch import Array, Launch
from convnet.network.memory import View
from emulator.machine import Arena

_ALIGNED = 512  # bytes
_SCRATCH = 2 << 30  # bytes, of all steps
_CODES = {"int32": "i", "float32": "f", "int64": "q", "uint64": "Q", "float64": "d"}


class Memory:
    """Addresses of arrays in an arena, one behind the other; nothing is freed."""

    def __init__(self, arena: Arena) -> None:
        self.arena, self._next = arena, arena.base
        self._buffers: dict[object, int] = {}
        self._scratch = self.take(_SCRATCH)

    def take(self, size: int) -> int:
        address, room = self._next, -(-size // _ALIGNED) * _ALIGNED + _ALIGNED
        if address + room > self.arena.base + self.arena.size:
            raise MemoryError(f"no room for {size:,} bytes in the emulated memory")
        self._next += room
        return address

    def array(self, values: np.ndarray) -> Array:
        """Values in memory."""
        address = self.take(values.nbytes)
        self.arena.of(address, values.nbytes)[:] = np.ascontiguousarray(values).view("u1").ravel()
        return Array(address, 0, values.shape, values.dtype)

    def scratch(self, size: int) -> Array:
        """Scratch memory, which all steps share."""
        if size > _SCRATCH:
            raise MemoryError(f"{size:,} bytes of scratch memory, at most {_SCRATCH:,}")
        return Array(self._scratch, 0, (size,), np.dtype(np.uint8))

    def of_view(self, view: View, cases: int) -> Array:
        """A plan's array; views of one buffer share its memory."""
        dtype = np.dtype(np.float32 if view.buffer.dtype == "real" else view.buffer.dtype)
        if view.buffer not in self._buffers:
            self._buffers[view.buffer] = self.take(view.buffer.bytes(cases, 4))
        start = view.start * (cases if view.buffer.per_case else 1) * dtype.itemsize
        return Array(self._buffers[view.buffer], start, view.shape(cases), dtype)


def packed(launch: Launch, memory: Memory) -> tuple[bytes, list[tuple[int, int]]]:
    """Parameters as Numba passes them, and the address and size of each array.

    An array is two addresses that are not used, values, bytes a value, its address, its length and
    its stride.
    """
    data, extents = bytearray(), []
    for argument in launch.arguments:
        if isinstance(argument, np.ndarray):
            argument = memory.array(argument)
        if isinstance(argument, Array):
            address, size = argument.memory + argument.start, argument.dtype.itemsize
            _put(data, "q", 0, 0, argument.size, size, address, argument.size, size)
            extents.append((address, argument.nbytes))
        elif isinstance(argument, tuple):
            _put(data, "i", *map(int, argument))
        else:
            _put(data, _CODES[argument.dtype.name], argument.item())
    return bytes(data), extents


def _put(data, code, *values):
    size = struct.calcsize(code)
    for value in values:
        data.extend(bytes(-len(data) % size))
        data.extend(struct.pack(code, value))
