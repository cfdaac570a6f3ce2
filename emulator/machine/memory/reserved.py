"""Address space whose pages take memory only once they are touched."""

import mmap

import numpy as np

from emulator.machine.types import Bytes


def reserved(size: int) -> Bytes:
    """Return `size` bytes of zeros, at a multiple of the page size."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    return np.frombuffer(mmap.mmap(-1, max(size, 1), flags=flags), np.uint8)
