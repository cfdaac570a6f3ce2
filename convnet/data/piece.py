"""Reading one piece of a file, such as an image in an archive, from many threads or processes."""

import os
from pathlib import Path

from convnet.errors import DataError


def read_piece(path: Path, offset: int, size: int) -> bytes:
    """`size` bytes from `offset` on; DataError if the file is not as long as it was."""
    try:
        with open(path, "rb", buffering=0) as file:
            piece = os.pread(file.fileno(), size, offset)
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None
    if len(piece) != size:
        raise DataError(f"{path}: is shorter than it was when it was looked through")
    return piece
