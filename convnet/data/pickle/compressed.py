"""Pickles in compressed files, which the original programs and their users wrote."""

import zlib

from convnet.data.pickle.arrays import Unreadable

_MARKS = {b"\x1f\x8b": "gunzip", b"PK\x03\x04": "unzip"}
_CHUNK = 1 << 20


def compression(data: bytes) -> str:
    """Return the command that decompresses a file with these bytes; "" if it is not compressed."""
    return next((command for mark, command in _MARKS.items() if data.startswith(mark)), "")


def ungzipped(data: bytes, limit: int) -> bytes:
    """Return the contents of a gzip file.  Unreadable if it is damaged or has more than `limit`."""
    parts, size = [], 0
    while data:
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            part = _next(stream, data)
            data = stream.unconsumed_tail or stream.unused_data
            if not part and not stream.eof and not data:
                raise Unreadable("a gzip file that is truncated")
            parts.append(part)
            size += len(part)
            if size > limit:
                raise Unreadable(f"a gzip file of more than {limit >> 30} GiB")
        data = stream.unused_data.lstrip(b"\0")  # tapes pad; several streams may follow each other
    return b"".join(parts)


def _next(stream, data) -> bytes:
    try:
        return stream.decompress(data, _CHUNK)
    except zlib.error:
        raise Unreadable("a gzip file that is damaged") from None
