"""How the images of a data set are decoded: all that a worker process has to know of the set."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convnet.data.byte_range import each_byte_range, read_byte_range
from convnet.data.jpeg import Undecodable, decode_byte_ranges
from convnet.errors import DataError


class Decoder(NamedTuple):
    """How images are decoded.

    files     paths of the files that hold them
    side      height and width of the images, pixels
    converts  JPEGs of other color spaces than RGB are converted, not refused
    scales    the files are pictures of any format and size, brought to the side and upright as in
              `convnet.data.pictures.square`; otherwise they are JPEGs of exactly that size
    gray      of such pictures, red, green and blue become the luma
    skips     such pictures that cannot be read are marked (`is_decoded`), not refused
    """

    files: Sequence[str]
    side: int
    converts: bool = False
    scales: bool = False
    gray: bool = False
    skips: bool = False

    def decode(self, ranges: ArrayLike, pixels: np.ndarray) -> None:
        """Decode images into pixels: uint8 (images, side, side, 4); the fourth byte is undefined.

        ranges: integers (images, 4): position in `files`, offset, size, and CRC-32 or
        `UNKNOWN_CRC`.  Undecodable for an image that cannot be decoded, DataError for a file that
        cannot be read.
        """
        if not self.scales:
            decode_byte_ranges(self.files, ranges, pixels, self.converts)
            return
        ranges = np.asarray(ranges, np.int64).reshape(-1, 4)[:, :3]
        if self.skips:
            self._decode_or_mark(ranges, pixels)
        else:
            self._decode_pictures(ranges, pixels)

    def _decode_pictures(self, ranges, pixels):
        for index, file in enumerate(each_byte_range(self.files, ranges)):
            try:
                self.decode_picture(file, pixels[index])
            except ValueError as problem:
                raise Undecodable(index, str(problem)) from None

    def _decode_or_mark(self, ranges, pixels):
        for (file, offset, size), target in zip(ranges.tolist(), pixels, strict=True):
            try:
                self.decode_picture(read_byte_range(self.files[file], offset, size), target)
                target[0, 0, 3] = 255
            except (ValueError, DataError):
                target[:] = 0

    def decode_picture(self, file: bytes, pixels: np.ndarray) -> None:
        """Decode a picture into pixels: uint8 (side, side, 4).  NotAPicture, a ValueError."""
        from convnet.data.pictures.square import read_square  # on demand: most need none

        square, _ = read_square(file, len(pixels), upright=True)
        pixels[..., :3] = gray_square(square) if self.gray else square


def gray_square(square) -> np.ndarray:
    """Return the luma of an image in RGB: uint8 (side, side, 1)."""
    return np.asarray(square.convert("L"))[..., np.newaxis]


def is_decoded(packed: np.ndarray) -> np.ndarray:
    """Return which images `Decoder.decode` with `skips` could read: bool (images,).

    packed: its pixels, uint32 (images, side, side).
    """
    return (packed[:, 0, 0] >> 24) == 255
