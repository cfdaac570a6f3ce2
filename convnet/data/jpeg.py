"""Decodes JPEG images of one size straight into memory that is given, four bytes a pixel.

Pillow's decoder does the work; what is left out is all that it does around it: the parsing of the
file in Python, and two copies of the pixels.
"""

import io

import numpy as np
from PIL import Image

_START = b"\xff\xd8"
_FRAMES = (0xC0, 0xC1, 0xC2)  # markers of baseline, extended and progressive Huffman frames
_BEFORE_FRAME = {0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE}  # tables, applications' data, remarks


def decode_into(file: bytes, pixels: np.ndarray) -> None:
    """Decode an RGB JPEG of exactly that size into pixels: uint8 (rows, columns, 4), contiguous.

    The fourth byte of a pixel means nothing.  ValueError, with what is wrong with the file.
    """
    size = pixels.shape[1::-1]
    if frame_size(file) != (*size, 3):
        _decode_slowly(file, pixels)  # it also knows best what is wrong
        return
    # Pillow lets an image lie in a buffer of ours, and decodes into images that there are.
    page = Image.frombuffer("RGBX", size, pixels, "raw", "RGBX", 0, 1)
    pixels[-1, -1, 3] = 0
    try:
        page.frombytes(file, "jpeg", "RGBX", "")
    except ValueError as problem:
        raise ValueError(f"cannot be decoded ({problem})") from None
    if pixels[-1, -1, 3] != 255:  # this Pillow decoded into a copy
        _decode_slowly(file, pixels)


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


def _decode_slowly(file, pixels):
    try:
        with Image.open(io.BytesIO(file), formats=["JPEG"]) as image:
            if (image.size, image.mode) != (pixels.shape[1::-1], "RGB"):
                (width, height), (wide, high) = image.size, pixels.shape[1::-1]
                raise ValueError(f"is {width}x{height} {image.mode}, not {wide}x{high} RGB")
            pixels[..., :3] = image
    except (OSError, SyntaxError) as problem:
        raise ValueError(f"cannot be decoded ({problem})") from None
