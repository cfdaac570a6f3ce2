"""Memory that several processes see, without a name that could be left behind.

It is a file that is reached through its descriptor only: in memory on Linux (and not counted into
/dev/shm, which is small in containers), elsewhere a temporary file.  It is gone with the last
process that has it open, however that one ends.
"""

import mmap
import os
import tempfile
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """A piece of shared memory: where it lies, and its bytes, uint8 (size,)."""

    offset: int
    bytes: np.ndarray

    @property
    def size(self) -> int:
        return len(self.bytes)


class SharedMemory:
    """Hands out regions; what is given back is handed out again."""

    def __init__(self):
        self.descriptor = _new_file()
        self._size = 0
        self._free: dict[int, list[Region]] = {}

    def take(self, size: int) -> Region:
        """A region of at least so many bytes, with any contents.  OSError if there is no room."""
        size = -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        free = self._free.setdefault(size, [])
        return free.pop() if free else self._new_region(size)

    def give_back(self, region: Region) -> None:
        if self.descriptor is not None:
            self._free[region.size].append(region)

    def _new_region(self, size):
        offset, self._size = self._size, self._size + size
        os.ftruncate(self.descriptor, self._size)
        if hasattr(os, "posix_fallocate"):  # or a lack of memory would show as a crash, later
            os.posix_fallocate(self.descriptor, offset, size)
        return map_region(self.descriptor, offset, size)

    def close(self) -> None:
        """Regions stay readable as long as somebody holds them."""
        os.close(self.descriptor)
        self.descriptor = None
        self._free.clear()


def map_region(descriptor: int, offset: int, size: int) -> Region:
    """A region of the file that another process took."""
    return Region(offset, np.frombuffer(mmap.mmap(descriptor, size, offset=offset), np.uint8))


def _new_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("convnet")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
