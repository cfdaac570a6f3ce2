"""Small values that the host sets before each run: rates, counters of random numbers.

All of a device lie in one block, which a program uploads as its first piece of work from pinned
memory of its slot; so a captured graph finds the new values, and a step needs one such copy.
"""

import numpy as np

from convnet.backends.cuda.runtime.streams import copying
from convnet.network.memory import Buffer

ALIGNMENT = 16


class Controls:
    """The controls of a device.

    block: bytes on the device; memory: each buffer's part of it.  staged: as many bytes of pinned
    memory, once for each slot.  Values that are set stay set until they are set again, in every
    slot.
    """

    def __init__(self, buffers: list[Buffer], block, staged: list[np.ndarray]):
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
        return sum(_rounded(buffer.bytes(1, 0)) for buffer in buffers)

    def set(self, buffer: Buffer, values) -> None:
        self._host[buffer][...] = values
        self._changes += 1

    def is_staged(self, slot: int) -> bool:
        """Whether the slot's pinned memory holds what is set."""
        return self._staged_changes[slot] == self._changes

    def stage(self, slot: int) -> None:
        """Put it there.  No program of that slot may be under way."""
        self._staged[slot][:] = self._values
        self._staged_changes[slot] = self._changes

    def upload(self, slot: int, stream) -> None:
        copying(self.block, self._staged[slot], stream)()


def _rounded(size):
    return -(-size // ALIGNMENT) * ALIGNMENT
