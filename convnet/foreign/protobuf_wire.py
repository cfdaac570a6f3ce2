"""The encoding of Protocol Buffers, read field by field without parsing what is in them.

Source: "Encoding" in the documentation of Protocol Buffers.
"""

from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST = 10  # bytes of a varint
_TRUNCATED = "it is truncated, or no protocol buffer"


class Malformed(Exception):
    """The bytes are no protocol buffer, or not one of the kind expected.  The text says why."""


class Key(NamedTuple):
    """The key of a field.  kind: of its encoding; contents: where they would begin."""

    number: int
    kind: int
    contents: int


def key_at(data: bytes | memoryview, at: int, end: int) -> Key:
    """Return the key of the field that begins at a place."""
    key, contents = varint_at(data, at, end)
    return Key(key >> 3, key & 7, contents)


def extent(data: bytes | memoryview, kind: int, at: int, end: int) -> tuple[int, int]:
    """Return where the contents of a field begin and end.  at: behind its key."""
    start = at
    if kind == VARINT:
        _, at = varint_at(data, at, end)
    elif kind == BYTES:
        size, start = varint_at(data, at, end)
        at = start + size
    elif kind in (FIXED32, FIXED64):
        at += 4 if kind == FIXED32 else 8
    else:
        raise Malformed("it is no protocol buffer")
    if at > end:
        raise Malformed(_TRUNCATED)
    return start, at


def varint_at(data: bytes | memoryview, at: int, end: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = 0
    for place, byte in enumerate(data[at : min(end, at + _LONGEST)]):
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at + place + 1
    raise Malformed(_TRUNCATED)


def varint(value: int) -> bytes:
    """Return a number of variable length."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def bytes_field(number: int, contents: bytes) -> bytes:
    """Return a field of bytes, or of a message."""
    return varint(number << 3 | BYTES) + varint(len(contents)) + contents
