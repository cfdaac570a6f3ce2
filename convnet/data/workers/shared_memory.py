"""Memory that several processes see, without a name that could be left behind.

It is a file that is reached through its descriptor only: in memory on Linux (and not counted into
/dev/shm, which is small in containers), elsewhere a temporary file.  It is gone with the last
process that has it open, however that one ends.
"""

import mmap
import os
import tempfile
import weakref
from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """Where something lies in the file, in bytes."""

    offset: int
    size: int


class SharedMemory:
    """Hands out arrays; the memory of those that nobody holds any more is handed out again."""

    def __init__(self):
        self.descriptor = _new_file()
        self._size = 0
        self._free: dict[int, list[tuple[Place, mmap.mmap]]] = {}
        self._places: dict[int, Place] = {}  # by address
        self._taken = weakref.WeakValueDictionary()

    def take(self, size: int) -> np.ndarray:
        """At least so many bytes, of any contents: uint8.  OSError if there is no room.

        They are free again when this array and all views of it are gone.
        """
        size = -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        free = self._free.setdefault(size, [])
        place, mapping = free.pop() if free else self._new_piece(size)
        array = np.frombuffer(mapping, np.uint8)
        self._places[array.ctypes.data], self._taken[array.ctypes.data] = place, array
        weakref.finalize(array, self._give_back, place, mapping).atexit = False
        return array

    def taken(self, beginning: np.ndarray) -> np.ndarray | None:
        """What was handed out, found by an array at its beginning; None if that is no such one."""
        return self._taken.get(beginning.ctypes.data)

    def place(self, array: np.ndarray) -> Place:
        """Of an array that was handed out."""
        return self._places[array.ctypes.data]

    def _give_back(self, place, mapping):
        if self.descriptor is not None:
            self._free[place.size].append((place, mapping))

    def _new_piece(self, size):
        place = Place(self._size, size)
        self._size += size
        os.ftruncate(self.descriptor, self._size)
        if hasattr(os, "posix_fallocate"):  # or a lack of memory would show as a crash, later
            os.posix_fallocate(self.descriptor, *place)
        return place, mmap.mmap(self.descriptor, size, offset=place.offset)

    def close(self) -> None:
        """What was handed out stays readable as long as somebody holds it."""
        os.close(self.descriptor)
        self.descriptor = None
        self._free.clear()


def map_place(descriptor: int, place: Place) -> np.ndarray:
    """What another process took: uint8 (size,)."""
    return np.frombuffer(mmap.mmap(descriptor, place.size, offset=place.offset), np.uint8)


def _new_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("convnet")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
