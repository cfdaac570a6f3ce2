"""Controls: small values that the host sets before each run (rates, random-number counters).

Those of a device lie in one block.  A program begins with a copy of that block from pinned memory
of its slot, so that a captured graph reads the new values, and a run needs only one such copy.
"""

from typing import Any

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.jit import DeviceArray, NumbaStream
from convnet.backends.cuda.runtime.streams import copy_call
from convnet.network.memory import Buffer

ALIGNMENT = 16


class Controls:
    """The controls of a device.

    block: bytes on the device; memory: each buffer's part of it.  staged: for each slot as many
    bytes of pinned memory.  A value stays, for all slots, until it is set again.
    """

    def __init__(self, buffers: list[Buffer], block: DeviceArray, staged: list[np.ndarray]):
        self.block, self.memory, self._host = block, {}, {}
        self._values, self._staged = np.zeros(block.size, np.uint8), staged
        self._changes, self._staged_changes = 0, [-1] * len(staged)
        start = 0
        for buffer in buffers:
            end = start + buffer.bytes(1, 0)
            self.memory[buffer] = block[start:end]
            self._host[buffer] = self._values[start:end].view(buffer.dtype)
            start += _rounded(end - start)

    @staticmethod
    def size(buffers: list[Buffer]) -> int:
        """Return the bytes of a block."""
        return sum(_rounded(buffer.bytes(1, 0)) for buffer in buffers)

    def set(self, buffer: Buffer, values: Any) -> None:
        """Set a value for the runs that are enqueued from now on."""
        self._host[buffer][...] = values
        self._changes += 1

    def is_staged(self, slot: int) -> bool:
        """Whether the slot's pinned memory holds the newest values."""
        return self._staged_changes[slot] == self._changes

    def stage(self, slot: int) -> None:
        """Write the newest values there, while no program uses that slot."""
        self._staged[slot][:] = self._values
        self._staged_changes[slot] = self._changes

    def upload(self, slot: int, stream: NumbaStream) -> None:
        """Enqueue the copy to the device on one of Numba's streams."""
        copy_call(self.block, self._staged[slot], stream)()


def _rounded(size):
    return ceil_div(size, ALIGNMENT) * ALIGNMENT
