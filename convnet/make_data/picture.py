"""Converts a published image to the JPEG that a shard holds, 256x256 RGB (paper, section 2).

Runs in worker processes and depends on neither archives nor shards.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from convnet.data.picture import DEEP, NotAPicture, central_square, opened

SIDE = 256
CHROMA = {"4:4:4": 0, "4:2:0": 2}  # as Pillow numbers them


@dataclass(frozen=True)
class Picture:
    """An image converted for a shard.

    jpeg    None if the bytes are not an image
    remark  what is unusual, "kind" or "kind: details"; "" if nothing.  The kinds of a converted
            image are grey, grey of 16 bits, grey of floats, cmyk, palette, alpha, other colours
            and "a PNG", "a GIF", ...; those of a skipped one broken and too large.  They are stored
            in data sets, so they must not change.
    pixels  uint8 (256, 256, 3), as the JPEG decodes; None without one
    """

    jpeg: bytes | None
    remark: str = ""
    pixels: np.ndarray | None = None


@dataclass(frozen=True)
class Jpeg:
    """How images are stored: quality on the scale of libjpeg, chroma 4:4:4 or 4:2:0."""

    quality: int = 92
    chroma: str = "4:4:4"


def make_picture(data: bytes, form: Jpeg) -> Picture:
    """Decode an image, scale its shorter side to 256, crop the centre and encode it.

    As in the paper's data, EXIF orientation is not applied.
    """
    try:
        with opened(data) as image:
            remark = _oddities(image)
            square = central_square(image, SIDE)
    except NotAPicture as problem:
        return Picture(None, str(problem))
    jpeg = _encoded(square, form)
    return Picture(jpeg, remark, np.asarray(Image.open(io.BytesIO(jpeg))))


def _oddities(image):
    """Return the remark on an image that is not an RGB JPEG."""
    names = {"L": "grey", "1": "grey", "CMYK": "cmyk", "P": "palette"}
    names |= dict.fromkeys(DEEP, "grey of 16 bits") | {"F": "grey of floats"}
    names |= {"RGBA": "alpha", "LA": "alpha", "PA": "alpha"}
    odd = [] if image.format in ("JPEG", "MPO") else [f"a {image.format}"]
    if image.mode != "RGB":
        odd.append(names.get(image.mode, f"other colours: {image.mode}"))
    return ", ".join(odd)


def _encoded(square, form):
    file = io.BytesIO()
    square.save(file, "JPEG", quality=form.quality, subsampling=CHROMA[form.chroma])
    return file.getvalue()
