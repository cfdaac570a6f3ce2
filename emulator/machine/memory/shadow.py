"""Records of who touched which bytes of a memory (the module `loops` says how they are read)."""

import numpy as np

from emulator.machine.memory.reserved import reserved
from emulator.machine.types import Int64s

NO_RECORDS: Int64s = np.zeros((0, 2), np.int64)


class Shadow:
    """Two records for each unit of a memory.  The width of a unit may differ from launch to launch."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._records: Int64s | None = None

    def records(self) -> Int64s:
        """Return records for units as small as a byte."""
        if self._records is None:
            self._records = reserved(16 * self.size).view(np.int64).reshape(-1, 2)
        return self._records
