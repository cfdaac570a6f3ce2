"""Decodes JPEG images of one size straight into given memory, four bytes a pixel.

It uses simplejpeg where that is installed.  Otherwise it calls Pillow's decoder directly, which
saves the parsing of the file in Python and two copies of the pixels.  Both are libjpeg-turbo and
give the same pixels.
"""

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from convnet.data.byte_range import check_crc, each_byte_range

try:
    import simplejpeg
except ImportError:  # optional: it has no wheels for some systems
    simplejpeg = None

_START = b"\xff\xd8"
_FRAMES = (0xC0, 0xC1, 0xC2)  # markers of baseline, extended and progressive Huffman frames
_BEFORE_FRAME = {0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE}  # tables, application data, comments

# A progressive JPEG may have any number of scans, and each may cost time for every pixel though it
# takes a few bytes.  Encoders write about ten, of at most 100 million pixels.
_SHORTEST_SCAN = 10  # bytes
_MOST_SCANNED = 4_000_000_000  # pixels in all scans together; decoded in about a second
_SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # after a scan's data, which escape 0xFF


class Undecodable(ValueError):
    """One of several images cannot be decoded: the one at `index`."""

    def __init__(self, index: int, problem: str):
        super().__init__(problem)
        self.index = index


def decode_byte_ranges(
    paths: Sequence[Path | str], ranges: ArrayLike, pixels: np.ndarray, converts: bool = False
) -> None:
    """Decode images that are byte ranges of files (see `each_byte_range`) into pixels.

    ranges: integers (images, 4), where the last column is the CRC-32 of the bytes or `UNKNOWN_CRC`.
    pixels: uint8 (images, rows, columns, 4).  Undecodable for an image that has another CRC-32 or
    that `decode_into` refuses, DataError for a file that cannot be read.
    """
    ranges = np.asarray(ranges, np.int64).reshape(-1, 4)
    # Each image is read just before it is decoded, while it is in the processor's cache.
    files = each_byte_range(paths, ranges[:, :3])
    for index, (file, crc) in enumerate(zip(files, ranges[:, 3].tolist(), strict=True)):
        try:
            check_crc(file, crc)
            decode_into(file, pixels[index], converts)
        except ValueError as problem:
            raise Undecodable(index, str(problem)) from None


def decode_into(file: bytes, pixels: np.ndarray, converts: bool = False) -> None:
    """Decode an RGB JPEG of exactly that size into pixels: uint8 (rows, columns, 4), contiguous.

    The fourth byte of each pixel is undefined.  converts: convert other color spaces to RGB instead
    of refusing them.  ValueError if the file cannot be decoded or has another size.
    """
    size = pixels.shape[1::-1]
    refuse_scans(file, size)
    if frame_size(file) != (*size, 3) or not _decode_fast(file, pixels):
        _decode_slow(file, pixels, converts)  # which also finds out what is wrong


def _decode_fast(file, pixels) -> bool:
    """Decode an RGB JPEG of that size; return False if it has to be decoded the slow way."""
    if simplejpeg is None:
        return _decode_with_pillow(file, pixels)
    try:
        simplejpeg.decode_jpeg(file, "RGBX", buffer=pixels)
    except ValueError:  # raised also for defects that Pillow tolerates
        return False
    return True


def _decode_with_pillow(file, pixels):
    # An image over our buffer: Pillow decodes into the memory of an existing image.
    image = Image.frombuffer("RGBX", pixels.shape[1::-1], pixels, "raw", "RGBX", 0, 1)
    pixels[-1, -1, 3] = 0
    try:
        image.frombytes(file, "jpeg", "RGBX", "")
    except ValueError:
        return False
    return pixels[-1, -1, 3] == 255  # else this version of Pillow decoded into a copy


def frame_size(file: bytes) -> tuple[int, int, int] | None:
    """Return width, height and number of components from the header; None if it is unusual.

    A usual header has only complete segments before the frame, and eight bits a value.
    """
    at = 2
    while file.startswith(_START) and at + 10 <= len(file) and file[at] == 0xFF:
        marker, length = file[at + 1], int.from_bytes(file[at + 2 : at + 4])
        if marker in _FRAMES and file[at + 4] == 8:
            height, width = (int.from_bytes(file[at + k : at + k + 2]) for k in (5, 7))
            return width, height, file[at + 9]
        if marker not in _BEFORE_FRAME or length < 2:
            return None
        at += 2 + length
    return None


def _decode_slow(file, pixels, converts):
    image = load_jpeg(file, pixels.shape[1::-1])
    if not converts and image.mode != "RGB":
        raise ValueError(_unfitting(image, pixels.shape[1::-1]))
    pixels[..., :3] = image.convert("RGB")


def load_jpeg(file: bytes, size: tuple[int, int]) -> Image.Image:
    """Return a decoded JPEG of that width and height, in its own mode.

    ValueError if it has another size or cannot be decoded, whatever the decoder raises.
    """
    refuse_scans(file, size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata and large images: refused below
            image = Image.open(io.BytesIO(file), formats=["JPEG"])
            if image.size == size:
                image.load()
    # Decoders raise any kind of exception for damaged files.
    except Exception as problem:
        told = str(problem) or type(problem).__name__
        raise ValueError(f"cannot be decoded ({told})") from None
    if image.size != size:
        raise ValueError(_unfitting(image, size))
    return image


def _unfitting(image, size):
    return f"is {image.width}x{image.height} {image.mode}, not {size[0]}x{size[1]} RGB"


def refuse_scans(file: bytes, size: tuple[int, int]) -> None:
    """Raise a ValueError if a JPEG has so many scans that it would take seconds to decode."""
    most = _MOST_SCANNED // max(size[0] * size[1], 1)
    if len(file) // _SHORTEST_SCAN <= most:
        return  # so for all usual images, without looking at the bytes
    # Counting these bytes is fast; they may also be in metadata, and in what follows the image.
    if file.count(_SCAN) > most and (scans := _count_scans(file)) > most:
        shape = f"{size[0]}x{size[1]} pixels"
        raise ValueError(f"cannot be decoded ({scans:,} scans of {shape}; at most {most} are read)")


def _count_scans(file: bytes) -> int:
    """Return the number of scans before the end of the first image."""
    scans, at = 0, 2
    while (match := _MARKER.search(file, at)) and match.group() != b"\xff\xd9":
        at = match.end()
        scans += match.group() == _SCAN
        at += max(int.from_bytes(file[at : at + 2]), 2)
    return scans
