"""Decodes JPEG images of one size straight into memory that is given, four bytes a pixel.

simplejpeg does so where it is installed.  Otherwise Pillow's decoder does the work; what is left
out is all that it does around it: the parsing of the file in Python, and two copies of the pixels.
Both are libjpeg-turbo, and give the same pixels.
"""

import io

import numpy as np
from PIL import Image

from convnet.data.byte_range import read_pieces

try:
    import simplejpeg
except ImportError:  # it is optional, since not every system has it ready to install
    simplejpeg = None

_START = b"\xff\xd8"
_FRAMES = (0xC0, 0xC1, 0xC2)  # markers of baseline, extended and progressive Huffman frames
_BEFORE_FRAME = {0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE}  # tables, applications' data, remarks


class Undecodable(ValueError):
    """number: which of several images it is."""

    def __init__(self, number: int, problem: str):
        super().__init__(problem)
        self.number = number


def decode_pieces(paths, places, pixels: np.ndarray, converts: bool = False) -> None:
    """Decode images that are pieces of files (see `read_pieces`) into pixels (images, ...).

    Undecodable for an image as `decode_into` refuses it, DataError for a file.
    """
    for number, file in enumerate(read_pieces(paths, places)):
        try:
            decode_into(file, pixels[number], converts)
        except ValueError as problem:
            raise Undecodable(number, str(problem)) from None


def decode_into(file: bytes, pixels: np.ndarray, converts: bool = False) -> None:
    """Decode an RGB JPEG of exactly that size into pixels: uint8 (rows, columns, 4), contiguous.

    The fourth byte of a pixel means nothing.  converts: take JPEGs of other colours too, as RGB.
    ValueError, with what is wrong with the file.
    """
    if frame_size(file) != (*pixels.shape[1::-1], 3) or not _decode_plain(file, pixels):
        _decode_slowly(file, pixels, converts)  # it also knows best what is wrong


def _decode_plain(file, pixels) -> bool:
    """Whether an RGB JPEG of that size was decoded."""
    if simplejpeg is None:
        return _decode_with_pillow(file, pixels)
    try:
        simplejpeg.decode_jpeg(file, "RGBX", buffer=pixels)
    except ValueError:  # also for what Pillow puts up with
        return False
    return True


def _decode_with_pillow(file, pixels):
    # Pillow lets an image lie in a buffer of ours, and decodes into images that there are.
    page = Image.frombuffer("RGBX", pixels.shape[1::-1], pixels, "raw", "RGBX", 0, 1)
    pixels[-1, -1, 3] = 0
    try:
        page.frombytes(file, "jpeg", "RGBX", "")
    except ValueError:
        return False
    return pixels[-1, -1, 3] == 255  # or this Pillow decoded into a copy


def frame_size(file: bytes) -> tuple[int, int, int] | None:
    """Width, height and number of components, as the header says; None if it is not plain.

    Plain is: only whole segments before the frame, of eight bits a value.
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


def _decode_slowly(file, pixels, converts):
    try:
        with Image.open(io.BytesIO(file), formats=["JPEG"]) as image:
            if image.size != pixels.shape[1::-1] or not (converts or image.mode == "RGB"):
                (width, height), (wide, high) = image.size, pixels.shape[1::-1]
                raise ValueError(f"is {width}x{height} {image.mode}, not {wide}x{high} RGB")
            pixels[..., :3] = image.convert("RGB")
    except (OSError, SyntaxError) as problem:
        raise ValueError(f"cannot be decoded ({problem})") from None
