"""Pickles in compressed files, which the original programs and their users wrote."""

_MARKS = {b"\x1f\x8b": "gunzip", b"PK\x03\x04": "unzip"}


def compression(data: bytes) -> str:
    """Return the command that decompresses a file with these bytes; "" if it is not compressed."""
    return next((command for mark, command in _MARKS.items() if data.startswith(mark)), "")
