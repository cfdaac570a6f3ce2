"""Address space whose pages take memory only once they are touched."""

import mmap
import sys

import numpy as np

from emulator.machine.types import Bytes

# Python knows the flag since 3.13; without it Linux refuses more than the machine's memory.
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)


def reserved(size: int) -> Bytes:
    """Return `size` bytes of zeros, at a multiple of the page size."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
    return np.frombuffer(mmap.mmap(-1, max(size, 1), flags=flags), np.uint8)
