"""The layout of shared memory that worker processes fill: images, and the work on each of them."""

import numpy as np

CHANNELS = 3

# The work on one image: the byte range (file, offset, size) and CRC-32 of its JPEG, and how it is
# cropped and shifted, if it is.
ROW = np.dtype(
    [
        ("place", "<i8", 4),
        ("start", "<i8", 2),
        ("flip", "<i8"),
        ("shifts", "<f4", CHANNELS),
        ("factor", "<f4"),
    ]
)


class Pages:
    """Decoded images: pixels uint8 (cases, side, side, 4) and rows (cases,) of type `ROW`.

    memory: uint8, of at least `size(side, cases)` bytes.
    """

    def __init__(self, memory: np.ndarray, side: int, cases: int):
        self.pixels, rest = _split(memory, np.uint8, (cases, side, side, 4))
        self.rows, _ = _split(rest, ROW, (cases,))

    @staticmethod
    def size(side: int, cases: int) -> int:
        """Return the bytes of memory that so many images take."""
        return (4 * side**2 + ROW.itemsize) * cases


class Canvas:
    """Memory for the pixels of a minibatch, in the layout of the network, and the work on them.

    matrix    float32 (CHANNELS * side**2, capacity): room for up to `capacity` cases
    mean      float32 (CHANNELS, side, side): what is subtracted from each crop
    rows      (capacity,) of type `ROW`
    """

    def __init__(self, memory: np.ndarray, side: int, capacity: int):
        self._side = side
        self.matrix, rest = _split(memory, np.float32, (CHANNELS * side**2, capacity))
        self.mean, rest = _split(rest, np.float32, (CHANNELS, side, side))
        self.rows, _ = _split(rest, ROW, (capacity,))

    @staticmethod
    def size(side: int, capacity: int) -> int:
        """Return the bytes of memory that a canvas takes."""
        return 4 * CHANNELS * side**2 * (capacity + 1) + ROW.itemsize * capacity

    def pixels(self, cases: int) -> np.ndarray:
        """Return a view of the beginning of `matrix`: (CHANNELS, side, side, cases)."""
        shape = CHANNELS, self._side, self._side, cases
        return self.matrix.reshape(-1)[: np.prod(shape)].reshape(shape)


def packed(pixels: np.ndarray) -> np.ndarray:
    """Return a view with one number a pixel: uint8 (n, side, side, 4) -> uint32 (n, side, side)."""
    return pixels.view("<u4")[..., 0]


def _split(memory, dtype, shape):
    """Return an array at the beginning of `memory`, and the rest of the memory."""
    size = np.dtype(dtype).itemsize * int(np.prod(shape))
    return memory[:size].view(dtype).reshape(shape), memory[size:]
