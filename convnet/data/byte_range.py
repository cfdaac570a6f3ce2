"""Reads byte ranges of files, such as images in archives, from many threads or processes."""

import os
import zlib
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from convnet.errors import DataError

_MOST_OPEN = 64  # files; systems allow a process some hundreds
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
    """Return the bytes of each range, as `each_byte_range` yields them."""
    return list(each_byte_range(paths, ranges))


def each_byte_range(paths: Sequence[Path | str], ranges: ArrayLike) -> Iterator[bytes]:
    """Yield the bytes of each range: a file's position in `paths`, offset and size, in bytes.

    ranges: integers (ranges, 3).  Up to `_MOST_OPEN` files stay open.  DataError as in
    `read_byte_range`.
    """
    opened: dict[int, FileIO] = {}
    try:
        for file, offset, size in np.asarray(ranges, np.int64).reshape(-1, 3).tolist():
            if file not in opened:
                if len(opened) == _MOST_OPEN:
                    _close(opened)
                opened[file] = _open(paths[file])
            yield _read(paths[file], opened[file].fileno(), offset, size)
    finally:
        _close(opened)


def check_crc(content: bytes, crc: int) -> None:
    """Raise a ValueError if the CRC-32 of a byte range is not `crc` or `UNKNOWN_CRC`."""
    if crc != UNKNOWN_CRC and zlib.crc32(content) != crc:
        raise ValueError(
            f"is not as it was written: its CRC-32 is {zlib.crc32(content):08x}, not {crc:08x}"
        )


def _open(path):
    try:
        return open(path, "rb", buffering=0)
    except OSError as problem:
        raise UnreadableFile(path, problem) from None


def _close(opened):
    for file in opened.values():
        file.close()
    opened.clear()


def _read(path, descriptor, offset, size):
    try:
        content = os.pread(descriptor, size, offset)
    except OSError as problem:
        raise UnreadableFile(path, problem) from None
    if len(content) != size:
        raise DataError(
            f"{path}: is shorter than it was when it was scanned; restore it from a copy"
        )
    return content
