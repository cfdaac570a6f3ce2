"""Decodes a picture of any usual format and brings it to a square of one size.

Runs in worker processes and depends on neither archives nor data sets.
"""

import io
import warnings
from contextlib import suppress

import numpy as np
from PIL import Image, UnidentifiedImageError

from convnet.data.jpeg import refuse_scans

SIDE = 256  # paper, section 2
LARGEST_SIDE = 2048  # pixels; 12 MB without compression
MAX_PIXELS = 100_000_000  # of one image; ImageNet's largest has 61 million
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "PPM")
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # Pillow's modes of more than 8 bits a value
_ORIENTATION = 0x0112  # tag of EXIF: how the camera was held
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class NotAPicture(ValueError):
    """A file that holds no picture that can be read; its text is "kind" or "kind: details".

    The kinds are broken and too large.  They are stored in data sets, so they must not change.
    """


def read_square(data: bytes, side: int, upright: bool) -> tuple[Image.Image, str]:
    """Return the center of a picture in RGB, side x side, and what is unusual about the file.

    upright: turn it as its EXIF orientation says.  The remark is "" for an RGB JPEG, else grey,
    grey of 16 bits, grey of floats, cmyk, palette, alpha, other colours, "a PNG", "a GIF", ...;
    remarks are stored in data sets, so they must not change.  NotAPicture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid EXIF data
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise NotAPicture(f"too large: {image.width}x{image.height} pixels")
                if image.format in ("JPEG", "MPO"):
                    refuse_scans(data, image.size)
                return central_square(image, side, upright), _oddities(image)
    except NotAPicture:
        raise
    except Image.DecompressionBombError as problem:
        raise NotAPicture(f"too large: {problem}") from None
    except UnidentifiedImageError:
        raise NotAPicture(f"broken: none of {', '.join(FORMATS)}") from None
    # Decoders raise any kind of exception for damaged files.
    except Exception as problem:
        raise NotAPicture(f"broken: {problem or type(problem).__name__}") from None


def central_square(image: Image.Image, side: int = SIDE, upright: bool = False) -> Image.Image:
    """Return the center in RGB, side x side: the shorter side is scaled to it by a Lanczos filter.

    The two steps are one, so that only the center is computed.  upright: as in `read_square`; the
    square is turned, which costs less than turning the picture.
    """
    turn = _turn(image) if upright else None
    # Decoding at a half or less of the size is faster, and still at least twice the target size.
    image.draft("RGB", (2 * side, 2 * side))
    rgb = eight_bits(image).convert("RGB")
    width, height = rgb.size
    shorter = min(width, height)
    left, top = (width - shorter) / 2, (height - shorter) / 2
    box = (left, top, left + shorter, top + shorter)
    square = rgb.resize((side, side), Image.Resampling.LANCZOS, box=box)
    square.info.clear()  # else comments and other metadata would be stored
    return square if turn is None else square.transpose(turn)


def _turn(image):
    """Return what brings a picture upright; None if it is, or does not say."""
    with suppress(Exception):  # EXIF data may be damaged in any way
        return _TURNS.get(image.getexif().get(_ORIENTATION))
    return None


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
