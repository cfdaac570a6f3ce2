"""Converts a published image to the JPEG that a shard holds: a square in RGB (paper, section 2).

Runs in worker processes and depends on neither archives nor shards.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from convnet.data.pictures.square import SIDE, NotAPicture, read_square

CHROMA = {"4:4:4": 0, "4:2:0": 2}  # as Pillow numbers them


@dataclass(frozen=True)
class Picture:
    """An image converted for a shard.

    jpeg    None if the bytes are not an image
    remark  what is unusual, as in `read_square`, or why the bytes are no image, as in `NotAPicture`
    pixels  uint8 (side, side, 3), as the JPEG decodes; None without one
    """

    jpeg: bytes | None
    remark: str = ""
    pixels: np.ndarray | None = None


@dataclass(frozen=True)
class Jpeg:
    """How images are stored.

    quality  on the scale of libjpeg
    chroma   4:4:4 or 4:2:0
    side     height and width, pixels
    upright  whether they are turned as their EXIF orientation says
    """

    quality: int = 92
    chroma: str = "4:4:4"
    side: int = SIDE
    upright: bool = False


def make_picture(data: bytes, form: Jpeg) -> Picture:
    """Decode an image, scale its shorter side to `form.side`, crop the center and encode it."""
    try:
        square, remark = read_square(data, form.side, form.upright)
    except NotAPicture as problem:
        return Picture(None, str(problem))
    jpeg = _encoded(square, form)
    return Picture(jpeg, remark, np.asarray(Image.open(io.BytesIO(jpeg))))


def _encoded(square, form):
    file = io.BytesIO()
    square.save(file, "JPEG", quality=form.quality, subsampling=CHROMA[form.chroma])
    return file.getvalue()
