"""Numbers in operands (PTX manual, 4.5)."""

import re
from typing import Any

import numpy as np

from emulator.ptx import SIZES
from emulator.translate.names import DTYPES

_BITS = re.compile(r"(-?)0(?:[fF]([0-9a-fA-F]{8})|[dD]([0-9a-fA-F]{16}))")
_INTEGER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|\d+)U?")


def literal(text: str, kind: str) -> Any | None:
    """Return a number as a NumPy scalar of a type, or None if a text is none of its numbers."""
    dtype = np.dtype(DTYPES[kind])
    if match := _BITS.fullmatch(text):
        return _floating(match, dtype)
    if not _INTEGER.fullmatch(text) or dtype.kind == "f":
        return None
    number = _integer(text)
    if kind == "pred":
        return np.bool_(number)
    return np.frombuffer(
        (number & (1 << 8 * SIZES[kind]) - 1).to_bytes(SIZES[kind], "little"), dtype
    )[0]


def _floating(match: re.Match[str], dtype: np.dtype[Any]) -> Any | None:
    """Return the number that bits are: of its own type, or as bits of an integer of its size."""
    own = np.dtype(np.float32 if match[2] else np.float64)
    value = np.frombuffer(bytes.fromhex(match[2] or match[3])[::-1], own)[0]
    value = -value if match[1] else value
    if dtype.kind == "f":  # a number of float64 may stand for one of float32
        return value.astype(dtype)
    return value.view(dtype) if dtype.itemsize == own.itemsize else None


def _integer(text: str) -> int:
    text = text.removesuffix("U")
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
    octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
    return sign * int(digits, 8 if octal else 0)
