"""Memory shared between processes, without a name that could be left behind.

It is a file that only its descriptor refers to: in memory on Linux (not in /dev/shm, which is small
in containers), elsewhere a temporary file.  The system frees it when the last process that has it
open ends, however it ends.
"""

import mmap
import os
import tempfile
import weakref
from typing import NamedTuple

import numpy as np

from convnet.arithmetic import ceil_div


class Place(NamedTuple):
    """A byte range of the file."""

    offset: int
    size: int


class SharedMemory:
    """Allocates arrays; the memory of arrays that are no longer referenced is reused."""

    def __init__(self):
        self.descriptor = _new_file()
        self._size = 0
        self._free: dict[int, list[tuple[Place, mmap.mmap]]] = {}
        self._places: dict[int, Place] = {}  # by address
        self._allocated = weakref.WeakValueDictionary()  # by address

    def allocate(self, size: int) -> np.ndarray:
        """Return at least so many bytes, uninitialized: uint8.  OSError if there is no memory left.

        They are free again when this array and all views of it are deleted.
        """
        size = ceil_div(size, mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        free = self._free.setdefault(size, [])
        place, mapping = free.pop() if free else self._new_place(size)
        array = np.frombuffer(mapping, np.uint8)
        self._places[array.ctypes.data], self._allocated[array.ctypes.data] = place, array
        weakref.finalize(array, self._release, place, mapping).atexit = False
        return array

    def owner_of(self, beginning: np.ndarray) -> np.ndarray | None:
        """Return the allocated array that starts where `beginning` does; None if there is none."""
        return self._allocated.get(beginning.ctypes.data)

    def place(self, array: np.ndarray) -> Place:
        """Return the byte range of an allocated array."""
        return self._places[array.ctypes.data]

    def _release(self, place, mapping):
        if self.descriptor is not None:
            self._free[place.size].append((place, mapping))

    def _new_place(self, size):
        place = Place(self._size, size)
        self._size += size
        os.ftruncate(self.descriptor, self._size)
        if hasattr(os, "posix_fallocate"):  # else a lack of memory would crash the process later
            os.posix_fallocate(self.descriptor, *place)
        return place, mmap.mmap(self.descriptor, size, offset=place.offset)

    def close(self) -> None:
        """Close the descriptor; allocated arrays stay readable while they are referenced."""
        os.close(self.descriptor)
        self.descriptor = None
        self._free.clear()


def map_place(descriptor: int, place: Place) -> np.ndarray:
    """Return memory that another process allocated: uint8 (size,)."""
    return np.frombuffer(mmap.mmap(descriptor, place.size, offset=place.offset), np.uint8)


def _new_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("convnet")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
