"""Converts a published image to the JPEG that a shard holds, 256x256 RGB (paper, section 2).

Runs in worker processes and depends on neither archives nor shards.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

SIDE = 256
MAX_PIXELS = 100_000_000  # of one image; ImageNet's largest has 61 million
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "PPM")
CHROMA = {"4:4:4": 0, "4:2:0": 2}  # as Pillow numbers them
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # Pillow's modes of more than 8 bits a value


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
    """Decode an image, scale its shorter side to 256, crop the centre and encode it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid EXIF data, which is not used
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    return Picture(None, f"too large: {image.width}x{image.height} pixels")
                remark = _oddities(image)
                square = central_square(image)
    except Image.DecompressionBombError as problem:
        return Picture(None, f"too large: {problem}")
    except UnidentifiedImageError:
        return Picture(None, f"broken: none of {', '.join(FORMATS)}")
    # Decoders raise any kind of exception for damaged files.
    except Exception as problem:
        return Picture(None, f"broken: {problem or type(problem).__name__}")
    jpeg = _encoded(square, form)
    return Picture(jpeg, remark, np.asarray(Image.open(io.BytesIO(jpeg))))


def central_square(image: Image.Image) -> Image.Image:
    """Return the centre in RGB, 256x256, with the shorter side scaled to 256 by a Lanczos filter.

    The two steps are one, so that only the centre is computed.  As in the paper's data, EXIF
    orientation is not applied.
    """
    # Decoding at a half or less of the size is faster, and still at least twice the target size.
    image.draft("RGB", (2 * SIDE, 2 * SIDE))
    rgb = eight_bits(image).convert("RGB")
    width, height = rgb.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    square = rgb.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)
    square.info.clear()  # else comments and other metadata would be stored
    return square


def eight_bits(image: Image.Image) -> Image.Image:
    """Return an image of 8 bits a value: the upper half of 16 bits, as Pillow has it for colors.

    Integers of 32 bits hold 16 (Pillow scales PGM so).  Floats are taken as 0..1, or as 0..255 if
    one is larger than 1.  ValueError for values that are none of these.
    """
    if image.mode not in _DEEP:
        return image
    values = np.asarray(image)
    low, high = values.min(), values.max()
    if image.mode != "F":
        if low < 0 or high > 65535:
            raise ValueError(f"its values are {low} to {high}, not 0 to 65535")
        return Image.fromarray((values >> 8).astype(np.uint8))
    if not 0 <= low <= high <= 255:  # so neither is NaN
        raise ValueError(f"its values are {low} to {high}, not 0 to 1 or 0 to 255")
    scale = np.float32(255 if high <= 1 else 1)
    return Image.fromarray((values * scale + np.float32(0.5)).astype(np.uint8))


def _oddities(image):
    """Return the remark on an image that is not an RGB JPEG."""
    names = {"L": "grey", "1": "grey", "CMYK": "cmyk", "P": "palette"}
    names |= dict.fromkeys(_DEEP, "grey of 16 bits") | {"F": "grey of floats"}
    names |= {"RGBA": "alpha", "LA": "alpha", "PA": "alpha"}
    odd = [] if image.format in ("JPEG", "MPO") else [f"a {image.format}"]
    if image.mode != "RGB":
        odd.append(names.get(image.mode, f"other colours: {image.mode}"))
    return ", ".join(odd)


def _encoded(square, form):
    file = io.BytesIO()
    square.save(file, "JPEG", quality=form.quality, subsampling=CHROMA[form.chroma])
    return file.getvalue()
