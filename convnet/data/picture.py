"""Decodes published images of any size to squares: for made data sets, and for predictions.

The formats, and how an image becomes a square of 8-bit RGB, are stated here once.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from convnet.data.byte_range import read_byte_range
from convnet.data.jpeg import refuse_scans
from convnet.errors import DataError

MAX_PIXELS = 100_000_000  # of one image; ImageNet's largest has 61 million
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "PPM")
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # Pillow's modes of more than 8 bits a value
_ORIENTATION = 0x0112  # EXIF's tag; its values name what a camera did to the image
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class NotAPicture(ValueError):
    """Bytes that are no image, or one that is too large: "broken: why" or "too large: size"."""


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open an image of one of the `FORMATS`.

    NotAPicture if it is none, has more than `MAX_PIXELS`, or if decoding it within the context
    fails.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid EXIF data
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise NotAPicture(f"too large: {image.width}x{image.height} pixels")
                if image.format in ("JPEG", "MPO"):
                    refuse_scans(data, image.size)
                yield image
    except NotAPicture:
        raise
    except Image.DecompressionBombError as problem:
        raise NotAPicture(f"too large: {problem}") from None
    except UnidentifiedImageError:
        raise NotAPicture(f"broken: none of {', '.join(FORMATS)}") from None
    # Decoders raise any kind of exception for damaged files.
    except Exception as problem:
        raise NotAPicture(f"broken: {problem or type(problem).__name__}") from None


def central_square(image: Image.Image, side: int) -> Image.Image:
    """Return the centre in RGB, `side` x `side`, its shorter side scaled to `side` by Lanczos.

    The two steps are one, so that only the centre is computed.  EXIF orientation is not applied.
    """
    # Decoding at a half or less of the size is faster, and still at least twice the target size.
    image.draft("RGB", (2 * side, 2 * side))
    rgb = eight_bits(image).convert("RGB")
    width, height = rgb.size
    shorter = min(width, height)
    left, top = (width - shorter) / 2, (height - shorter) / 2
    box = (left, top, left + shorter, top + shorter)
    square = rgb.resize((side, side), Image.Resampling.LANCZOS, box=box)
    square.info.clear()  # else comments and other metadata would be stored
    return square


def eight_bits(image: Image.Image) -> Image.Image:
    """Return an image of 8 bits a value: the upper half of 16 bits, as Pillow has it for colors.

    Integers of 32 bits hold 16 (Pillow scales PGM so).  Floats are taken as 0..1, or as 0..255 if
    one is larger than 1.  ValueError for values that are none of these.
    """
    if image.mode not in DEEP:
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


# -- pictures to predict ---------------------------------------------------------------------------


def upright_square(image: Image.Image, side: int, channels: int) -> np.ndarray:
    """Return the central square of an image as its EXIF orientation says: uint8 (side, side, 4).

    channels: 3, red, green and blue; or 1, the luma, in the first byte of each pixel.  The last
    byte is 255.  ValueError as in `eight_bits`, and whatever decoders raise.
    """
    turn = _UPRIGHT.get(_orientation(image))
    square = central_square(image, side)
    if turn is not None:  # the centre of a turned image is the turned centre
        square = square.transpose(turn)
    if channels == 1:
        grey = square.convert("L")
        square = Image.merge("RGB", (grey, grey, grey))
    return np.asarray(square.convert("RGBA"))


def _orientation(image):
    """Return the number of EXIF's orientation; 1, upright, where the metadata are damaged."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow raises any kind of exception for them
        return 1


def decode_pictures(
    paths: Sequence[Path | str], ranges: np.ndarray, pixels: np.ndarray, channels: int
) -> None:
    """Decode images of any size that are byte ranges of files, each to its upright square.

    ranges: integers (images, 4): file, offset, size, and a CRC-32 that is not used.  pixels: uint8
    (images, side, side, 4), as from `upright_square`; all 0 for an image that cannot be decoded.
    """
    for (file, offset, size), target in zip(ranges[:, :3].tolist(), pixels, strict=True):
        try:
            with opened(read_byte_range(paths[file], offset, size)) as image:
                target[:] = upright_square(image, len(target), channels)
        except (NotAPicture, DataError):
            target[:] = 0


def is_decoded(packed: np.ndarray) -> np.ndarray:
    """Return which images `decode_pictures` could decode: bool (images,).

    packed: its pixels, uint32 (images, side, side).
    """
    return (packed[:, 0, 0] >> 24) == 255
