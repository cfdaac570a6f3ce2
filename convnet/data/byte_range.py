"""Reads byte ranges of files, such as images in archives, from many threads or processes."""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from convnet.errors import DataError
from convnet.stored.files import open_regular

UNKNOWN_CRC = -1  # in place of the CRC-32 of a byte range that has none


class UnreadableFile(DataError):
    """A file that the system does not let us read: with the number and the text of its error."""

    def __init__(self, path: Path | str, error: OSError):
        super().__init__(f"{path}: cannot be read: {error.strerror}")
        self.errno, self.strerror = error.errno, error.strerror

    def __reduce__(self) -> tuple:
        return DataError, (str(self),)  # all that another process needs


def read_byte_range(path: Path | str, offset: int, size: int) -> bytes:
    """Return `size` bytes of a file from `offset` on; DataError if the file is too short."""
    (found,) = read_byte_ranges([path], [(0, offset, size)])
    return found


def read_byte_ranges(paths: Sequence[Path | str], ranges: ArrayLike) -> list[bytes]:
    """Return the bytes of each range: a file's position in `paths`, offset and size, in bytes.

    ranges: integers (ranges, 3).  A call opens each file once.  DataError as in `read_byte_range`.
    """
    ranges = np.asarray(ranges, np.int64).reshape(-1, 3)
    contents = [b""] * len(ranges)
    for file in np.unique(ranges[:, 0]).tolist():
        wanted = np.flatnonzero(ranges[:, 0] == file)
        found = _read(paths[file], ranges[wanted, 1:].tolist())
        for k, content in zip(wanted.tolist(), found, strict=True):
            contents[k] = content
    return contents


def check_crc(content: bytes, crc: int) -> None:
    """Raise a ValueError if the CRC-32 of a byte range is not `crc` or `UNKNOWN_CRC`."""
    if crc != UNKNOWN_CRC and zlib.crc32(content) != crc:
        raise ValueError(
            f"is not as it was written: its CRC-32 is {zlib.crc32(content):08x}, not {crc:08x}"
        )


def _read(path, ranges):
    try:
        with open_regular(path) as file:
            contents = [os.pread(file.fileno(), size, offset) for offset, size in ranges]
    except OSError as problem:
        raise UnreadableFile(path, problem) from None
    if any(len(found) != size for found, (_, size) in zip(contents, ranges, strict=True)):
        raise DataError(
            f"{path}: is shorter than it was when it was scanned; restore it from a copy"
        )
    return contents
