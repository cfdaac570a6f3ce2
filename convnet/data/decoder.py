"""How the images of a data set are decoded: all that a worker process has to know of the set."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convnet.data.byte_range import each_byte_range
from convnet.data.jpeg import Undecodable, decode_byte_ranges


class Decoder(NamedTuple):
    """How images are decoded.

    files     paths of the files that hold them
    side      height and width of the images, pixels
    converts  JPEGs of other color spaces than RGB are converted, not refused
    scales    the files are pictures of any format and size, brought to the side and upright as in
              `convnet.data.pictures.square`; otherwise they are JPEGs of exactly that size
    """

    files: Sequence[str]
    side: int
    converts: bool = False
    scales: bool = False

    def decode(self, ranges: ArrayLike, pixels: np.ndarray) -> None:
        """Decode images into pixels: uint8 (images, side, side, 4); the fourth byte is undefined.

        ranges: integers (images, 4): position in `files`, offset, size, and CRC-32 or
        `UNKNOWN_CRC`.  Undecodable for an image that cannot be decoded, DataError for a file that
        cannot be read.
        """
        if self.scales:
            _decode_pictures(self.files, ranges, pixels)
        else:
            decode_byte_ranges(self.files, ranges, pixels, self.converts)


def _decode_pictures(files, ranges, pixels):
    from convnet.data.pictures.square import NotAPicture, read_square  # on demand: most need none

    ranges = np.asarray(ranges, np.int64).reshape(-1, 4)
    for index, file in enumerate(each_byte_range(files, ranges[:, :3])):
        try:
            square, _ = read_square(file, pixels.shape[1], upright=True)
        except NotAPicture as problem:
            raise Undecodable(index, str(problem)) from None
        pixels[index, ..., :3] = square
