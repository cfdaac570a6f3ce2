"""Parses the values that pickle writes as lines of text (protocol 0), without Python's parser.

Unreadable if the text is malformed.
"""

import re

from convnet.data.pickle.arrays import Unreadable

_INTEGER = re.compile(rb"[+-]?[0-9]{1,40}")
_QUOTED = re.compile(rb"(['\"])((?:[^\\]|\\[\\'\"ntr]|\\x[0-9a-f]{2})*+)", re.DOTALL)


def integer(line: bytes) -> int:
    """Parse an integer of at most 40 digits."""
    if not _INTEGER.fullmatch(line):
        raise Unreadable("a malformed integer")
    return int(line)


def integer_or_truth(line: bytes) -> int | bool:
    """Parse an integer or a truth value; protocol 0 writes False as 00 and True as 01."""
    return line == b"01" if line in (b"00", b"01") else integer(line)


def number(line: bytes) -> float:
    """Parse a floating-point number."""
    try:
        return float(line)
    except ValueError:
        raise Unreadable("a malformed number") from None


def quoted(line: bytes) -> bytes:
    """Parse a quoted string of Python 2, with the escapes that its repr() writes."""
    line = line.rstrip()
    match = _QUOTED.fullmatch(line[:-1])
    if not match or match[1] != line[-1:]:
        raise Unreadable("a string that is not in quotes")
    return match[2].decode("unicode-escape").encode("latin-1") if b"\\" in line else match[2]


def text(encoded: bytes, encoding: str = "utf-8") -> str:
    """Decode text."""
    try:
        return encoded.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable("text with a broken encoding") from None
