"""Mutators of bytes and of text, without knowledge of a format."""

import re
import struct
from random import Random

NUMBERS = [0, 1, -1, 2, 3, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 20, 1 << 24]
NUMBERS += [2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, -(2**63)]
NUMBERS += [2**64 - 1, 2**64, 10**30, -(10**30), 10**400]
WORDS = ["nan", "inf", "-inf", "1e309", "-0.0", "1e-400", "0x10", "1_000", "٣", "½", "None", "true"]
CHARACTERS = ["\x1b[2J", "\x1b]0;t\x07", "\0", "\x7f", "\x9b", "\u202e", "\ufeff", "\u2028", "\r"]
CHARACTERS += ["\t", "\n", "é", "\U0001f600", "\ud800", "%s", "{0}", "%(a)s", "..", "/", "~", "~x"]
LARGEST = 1 << 20  # bytes of a mutated file


def damage(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return the bytes with one to four small changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(_CHANGES)(rng, data, others)
    return data[:LARGEST]


def _flip_bits(rng, data, _):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8)) if data else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _set_bytes(rng, data, _):
    if not data:
        return data
    at = rng.randrange(len(data))
    return (
        data[:at]
        + bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))])
        + data[at + 1 :]
    )


def _truncate(rng, data, _):
    return data[: rng.randrange(len(data) + 1)]


def _part(rng, data):
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 2, 4, 8, 32, 512, rng.randrange(4096))))


def _delete(rng, data, _):
    start, stop = _part(rng, data)
    return data[:start] + data[stop:]


def _repeat(rng, data, _):
    start, stop = _part(rng, data)
    return data[:stop] + data[start:stop] * rng.choice((1, 1, 2, 50)) + data[stop:]


def _insert(rng, data, _):
    at = rng.randrange(len(data) + 1)
    new = rng.randbytes(rng.choice((1, 2, 4, 64)))
    if rng.random() < 0.5:
        new = rng.choice(CHARACTERS + WORDS).encode("utf-8", "surrogatepass")
    return data[:at] + new + data[at:]


def _splice(rng, data, others):
    other = rng.choice(others) if others else data
    at, start, stop = rng.randrange(len(data) + 1), *_part(rng, other)
    return (
        data[:at] + other[start:stop] + data[rng.choice((at, min(len(data), at + stop - start))) :]
    )


def _move(rng, data, _):
    start, stop = _part(rng, data)
    rest = data[:start] + data[stop:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + data[start:stop] + rest[at:]


def _binary_number(rng, data, _):
    """Overwrite an integer, as lengths and offsets are stored."""
    form = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    size = struct.calcsize(form)
    if len(data) < size:
        return data
    at = rng.randrange(len(data) - size + 1)
    found = struct.unpack_from(form, data, at)[0]
    number = rng.choice((*NUMBERS[:-3], found + 1, found - 1, found * 2, len(data)))
    return data[:at] + struct.pack(form, number % (1 << 8 * size)) + data[at + size :]


def _decimal_number(rng, data, _):
    places = list(re.finditer(rb"-?\d+(\.\d+)?", data[:100_000]))
    if not places:
        return data
    place = rng.choice(places)
    new = str(rng.choice(NUMBERS)) if rng.random() < 0.7 else rng.choice(WORDS)
    return data[: place.start()] + new.encode() + data[place.end() :]


def _lines(rng, data, _):
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 2))):
        a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(4):
            case 0:
                lines[a], lines[b] = lines[b], lines[a]
            case 1:
                lines.insert(a, lines[b])
            case 2:
                lines[a] = b""
            case 3:
                lines[a] = lines[a] + lines[b]
    return b"\n".join(lines)


_CHANGES = (
    *(_flip_bits, _set_bytes, _truncate, _delete, _repeat, _insert, _splice, _move),
    *(_binary_number, _binary_number, _decimal_number, _decimal_number, _lines),
)
