"""Mutators of NumPy's files, of safetensors files, of MATLAB's tables and of JPEGs."""

import io
import json
import struct
import zlib
from random import Random

import numpy as np

from tests.fuzz.archives import change_zip
from tests.fuzz.bytes_of import damage
from tests.fuzz.objects import changed, odd_array, to_json

_DTYPES = (
    "'<f4'",
    "'>f4'",
    "'<i8'",
    "'|O'",
    "'|u1'",
    "'<U9'",
    "[('a', '<f4')]",
    "'|V0'",
    "'<M8[s]'",
)
_DTYPES += (
    "'<f4', 'x'",
    "None",
    "5",
    "[('a', '<i8', (1000000, 1000000))]",
    "'<f16'",
    "'" + "x" * 999 + "'",
)
_SHAPES = ("()", "(0,)", "(-1,)", "(1 << 40,)", "(9223372036854775807, 4)", "(3, 4.0)", "(True, 4)")
_SHAPES += (
    "(99999999999,)",
    "(65536, 65536, 65536, 65536)",
    "[3, 4]",
    "(" + "1, " * 70 + ")",
    "None",
)
_HEADERS = (
    "{",
    "",
    "{'descr': '<f4'}",
    "(" * 3000,
    "{'a': " * 400,
    "[" * 9000,
    "\\",
    "'''",
    "{}\n\0",
)
_HEADERS += (
    "{'descr': '<f4', 'fortran_order': 2, 'shape': (3, 4)}",
    "-" * 5000 + "1",
    "{**{}}",
    "b'\\xff'",
)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def change_npy(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return an .npy file with another header, or another array."""
    kind = rng.randrange(5)
    if kind == 0 or data[:6] != b"\x93NUMPY":
        return damage(rng, data, others)
    if kind == 1:
        try:
            found = odd_array(rng, np.load(io.BytesIO(data)))
            return npy(np.asarray(found))
        except Exception:
            return damage(rng, data, others)
    size = struct.unpack_from("<H", data, 8)[0]
    text, values = data[10 : 10 + size].decode("latin1"), data[10 + size :]
    if rng.random() < 0.3:
        text = rng.choice(_HEADERS)
    else:
        dtype = rng.choice(("'<f4'", "'<i8'", rng.choice(_DTYPES), rng.choice(_DTYPES)))
        order = rng.choice(("False", "False", "True", "None", "'no'"))
        text = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {rng.choice(_SHAPES)}, }}"
    version = rng.choice((1, 1, 1, 2, 3, 0, 9))
    encoded = text.encode() + b" " * rng.choice((0, 16)) + b"\n"
    length = rng.choice((len(encoded), len(encoded), len(encoded), 0, 65535))
    form = "<H" if version < 2 else "<I"
    return data[:6] + bytes([version, 0]) + struct.pack(form, length & 0xFFFF) + encoded + values


def change_npz(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    return change_zip(rng, data, change_npy)


# -- safetensors -----------------------------------------------------------------------------------


def change_safetensors(rng: Random, data: bytes, others: list[bytes], resum=None) -> bytes:
    """Return a safetensors file with a changed header.

    resum: is given the metadata that were changed, to bring checksums in them up to date.
    """
    size = struct.unpack_from("<Q", data)[0] if len(data) > 8 else 0
    try:
        header, values = json.loads(data[8 : 8 + size]), data[8 + size :]
    except ValueError:
        return damage(rng, data, others)
    match rng.randrange(6):
        case 0:
            return damage(rng, data, others)
        case 1:
            values = damage(rng, values, others)
        case 2:
            header = changed(rng, header)
        case _:
            _change_metadata(rng, header["__metadata__"])
            if resum is not None:
                resum(header["__metadata__"])
    text = to_json(rng, header)
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + values


def _change_metadata(rng, metadata):
    """Change values that are stored as JSON in the texts of the metadata, or the texts."""
    for _ in range(rng.choice((1, 1, 2))):
        key = rng.choice(tuple(metadata))
        try:
            value = json.loads(metadata[key])
        except ValueError:
            metadata[key] = damage(rng, metadata[key].encode(), []).decode("utf-8", "replace")
        else:
            metadata[key] = to_json(rng, changed(rng, value)).decode("utf-8", "replace")


# -- MATLAB ----------------------------------------------------------------------------------------


def change_mat(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return a MATLAB file whose compressed part is changed and compressed again."""
    header, at = data[:128], 128
    if len(data) < 136 or struct.unpack_from("<I", data, at)[0] != 15 or rng.random() < 0.2:
        return damage(rng, data, others)
    try:
        inner = zlib.decompress(data[136:])
    except zlib.error:
        return damage(rng, data, others)
    if rng.random() < 0.6:
        words = 4 * rng.randrange(len(inner) // 4)
        value = rng.choice((0, 1, 2, 4, 5, 6, 9, 14, 15, 0x40001, 2**31, 2**32 - 1, len(inner)))
        inner = inner[:words] + struct.pack("<I", value) + inner[words + 4 :]
    else:
        inner = damage(rng, inner, others)
    packed = zlib.compress(inner)
    return header + struct.pack("<II", 15, len(packed)) + packed


# -- pictures --------------------------------------------------------------------------------------


def change_jpeg(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return a JPEG with changed segments: sizes, tables, lengths, repeated scans."""
    segments = _segments(data)
    if len(segments) < 3 or rng.random() < 0.3:
        return damage(rng, data, others)
    at = rng.randrange(1, len(segments))
    segment = bytearray(segments[at])
    match rng.randrange(6):
        case 0:
            frame = next((s for s in segments if s[1:2] in (b"\xc0", b"\xc2")), None)
            if frame is not None:
                at, segment = segments.index(frame), bytearray(frame)
                side = struct.pack(">H", rng.choice((0, 1, 8, 255, 257, 10_000, 65535)))
                place = rng.choice((5, 7))
                segment[place : place + 2] = side
                segments[at] = bytes(segment)
        case 1:
            segments[at:at] = [bytes(segment)] * rng.choice((1, 2, 30))
        case 2:
            segments.pop(at)
        case 3 if len(segment) > 4:
            segment[2:4] = struct.pack(">H", rng.choice((0, 1, 2, 3, 65535, len(segment))))
            segments[at] = bytes(segment)
        case 4 if len(segment) > 1:
            segment[1] = rng.choice((0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xDB, 0xDD, 0xE1, 0xEE, 0xD9))
            segments[at] = bytes(segment)
        case _:
            segments[at] = damage(rng, bytes(segment), [])
    return b"".join(segments)


def _segments(data):
    found, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        length = struct.unpack_from(">H", data, at + 2)[0]
        stop = at + 2 + length
        if data[at + 1] == 0xDA:  # the values of a scan, up to the next marker
            while stop + 1 < len(data) and (
                data[stop] != 0xFF or data[stop + 1] in (0, *range(0xD0, 0xD8))
            ):
                stop += 1
        found.append(data[at:stop])
        at = stop
    return [*found, data[at:]]
