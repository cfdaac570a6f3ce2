"""One image as it is published -> the JPEG that a shard holds, 256x256 RGB (paper, section 2).

Runs in worker processes; knows neither archives nor shards.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

SIDE = 256
MOST_PIXELS = 100_000_000  # of one image; ImageNet's largest has 61 million
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
CHROMA = {"4:4:4": 0, "4:2:0": 2}  # as Pillow numbers them


@dataclass(frozen=True)
class Picture:
    """jpeg: None if there is no image in the bytes.  remark: what was odd, "" if nothing.

    remark is "kind" or "kind: details"; the kinds of a converted image are grey, cmyk, palette,
    alpha, other colours and "a PNG", "a GIF", ...; of a skipped one broken and too large.
    """

    jpeg: bytes | None
    remark: str = ""
    pixels: np.ndarray | None = None  # uint8 (256, 256, 3), as the JPEG decodes


@dataclass(frozen=True)
class Jpeg:
    """How images are stored: quality as libjpeg counts it, chroma 4:4:4 or 4:2:0."""

    quality: int = 92
    chroma: str = "4:4:4"


def make_picture(data: bytes, form: Jpeg) -> Picture:
    """Decodes, scales the shorter side to 256, takes the centre, encodes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF data, which is not used
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    return Picture(None, f"too large: {image.width}x{image.height} pixels")
                remark = _oddities(image)
                square = central_square(image)
    except Image.DecompressionBombError as problem:
        return Picture(None, f"too large: {problem}")
    except UnidentifiedImageError:
        return Picture(None, f"broken: none of {', '.join(FORMATS)}")
    # A decoder meets damage in its own way, so this is any exception.
    except Exception as problem:
        return Picture(None, f"broken: {problem or type(problem).__name__}")
    jpeg = _encoded(square, form)
    return Picture(jpeg, remark, np.asarray(Image.open(io.BytesIO(jpeg))))


def central_square(image: Image.Image) -> Image.Image:
    """RGB, 256x256: the shorter side scaled to 256 with a Lanczos filter, and the centre of it.

    The two steps are one, so that only the centre is computed.  EXIF orientation is not applied,
    as it was not by the authors.
    """
    # Decoding at a half or less of the size is faster, and far from the size that is wanted.
    image.draft("RGB", (2 * SIDE, 2 * SIDE))
    colours = image.convert("RGB")
    width, height = colours.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    square = colours.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)
    square.info.clear()  # comments and the like would be stored
    return square


def _oddities(image):
    """The remark on an image that is no RGB JPEG."""
    names = {"L": "grey", "1": "grey", "CMYK": "cmyk", "P": "palette"}
    names |= {"RGBA": "alpha", "LA": "alpha", "PA": "alpha"}
    odd = [] if image.format in ("JPEG", "MPO") else [f"a {image.format}"]
    if image.mode != "RGB":
        odd.append(names.get(image.mode, f"other colours: {image.mode}"))
    return ", ".join(odd)


def _encoded(square, form):
    file = io.BytesIO()
    square.save(file, "JPEG", quality=form.quality, subsampling=CHROMA[form.chroma])
    return file.getvalue()
