"""Small values that the host sets before each run: rates, counters of random numbers.

All of a device lie in one block, which a program uploads as its first piece of work from memory
that the host writes; so a captured graph finds the new values, and a step needs one such copy.
"""

import numpy as np
from numba import cuda

from convnet.network.memory import Buffer

ALIGNMENT = 16


class Controls:
    """The controls of a device.  memory: each buffer's part of `block`, bytes on the device."""

    def __init__(self, buffers: list[Buffer], block):
        self.block, self.memory, self._host = block, {}, {}
        self.staged = cuda.pinned_array(block.size, np.uint8)
        self.staged[:] = 0
        start = 0
        for buffer in buffers:
            size = buffer.bytes(1, 0)
            self.memory[buffer] = block[start : start + size]
            self._host[buffer] = self.staged[start : start + size].view(buffer.dtype)
            start += _rounded(size)

    @staticmethod
    def size(buffers: list[Buffer]) -> int:
        return sum(_rounded(buffer.bytes(1, 0)) for buffer in buffers)

    def set(self, buffer: Buffer, values) -> None:
        self._host[buffer][...] = values

    def upload(self, stream) -> None:
        self.block.copy_to_device(self.staged, stream=stream)


def _rounded(size):
    return -(-size // ALIGNMENT) * ALIGNMENT
