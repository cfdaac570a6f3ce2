"""Records of who touched which bytes of a memory (the module `loops` says how they are read)."""

import numpy as np

from emulator.machine.memory.reserved import reserved
from emulator.machine.types import Int64s

NO_RECORDS: Int64s = np.zeros((0, 2), np.int64)


class Shadow:
    """Two records for each unit of a memory; launches may differ in the width of their units."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._records: dict[int, Int64s] = {}

    def records(self, shift: int) -> Int64s:
        """Return the records of units of 1 << shift bytes."""
        if shift not in self._records:
            count = -(-self.size >> shift) + 1
            self._records[shift] = reserved(16 * count).view(np.int64).reshape(-1, 2)
        return self._records[shift]
