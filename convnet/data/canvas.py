"""What lies in the memory that worker processes fill: images, and what is to be made of them."""

import numpy as np

CHANNELS = 3

# An image to decode: its place (file, offset, size), and how it is cut and shifted, if it is.
ROW = np.dtype(
    [
        ("place", "<i8", 3),
        ("start", "<i8", 2),
        ("flip", "<i8"),
        ("shifts", "<f4", CHANNELS),
        ("factor", "<f4"),
    ]
)


class Pages:
    """Whole images as the decoder leaves them: pixels uint8 (cases, side, side, 4), rows (cases,).

    memory: uint8, of `size` bytes or more.
    """

    def __init__(self, memory: np.ndarray, side: int, cases: int):
        self.pixels, rest = _cut(memory, np.uint8, (cases, side, side, 4))
        self.rows, _ = _cut(rest, ROW, (cases,))

    @staticmethod
    def size(side: int, cases: int) -> int:
        return (4 * side**2 + ROW.itemsize) * cases


class Canvas:
    """A minibatch as the network wants it, of up to `most` cases, and what it is made of.

    whole (CHANNELS * side**2, most) and mean (CHANNELS, side, side), float32; rows (most,).
    """

    def __init__(self, memory: np.ndarray, side: int, most: int):
        self._side = side
        self.whole, rest = _cut(memory, np.float32, (CHANNELS * side**2, most))
        self.mean, rest = _cut(rest, np.float32, (CHANNELS, side, side))
        self.rows, _ = _cut(rest, ROW, (most,))

    @staticmethod
    def size(side: int, most: int) -> int:
        return 4 * CHANNELS * side**2 * (most + 1) + ROW.itemsize * most

    def pixels(self, cases: int) -> np.ndarray:
        """Those of so many cases, at the beginning: (CHANNELS, side, side, cases)."""
        shape = CHANNELS, self._side, self._side, cases
        return self.whole.reshape(-1)[: np.prod(shape)].reshape(shape)


def packed(pixels: np.ndarray) -> np.ndarray:
    """Pixels as numbers: uint8 (cases, side, side, 4) -> uint32 (cases, side, side)."""
    return pixels.view("<u4")[..., 0]


def _cut(memory, dtype, shape):
    """An array of the beginning of memory, and the rest."""
    size = np.dtype(dtype).itemsize * int(np.prod(shape))
    return memory[:size].view(dtype).reshape(shape), memory[size:]
