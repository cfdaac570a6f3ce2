"""Reading pieces of files, such as images in archives, from many threads or processes."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convnet.errors import DataError


def read_piece(path: Path, offset: int, size: int) -> bytes:
    """`size` bytes from `offset` on; DataError if the file is not as long as it was."""
    (piece,) = read_pieces([path], [(0, offset, size)])
    return piece


def read_pieces(paths: Sequence[Path], places) -> list[bytes]:
    """The pieces at places (pieces, 3): a file's number in `paths`, offset and size, in bytes.

    Each file is opened once for a call.  DataError as in `read_piece`.
    """
    places = np.asarray(places, np.int64).reshape(-1, 3)
    pieces = [b""] * len(places)
    for file in np.unique(places[:, 0]).tolist():
        wanted = np.flatnonzero(places[:, 0] == file)
        found = _read(paths[file], places[wanted, 1:].tolist())
        for k, piece in zip(wanted.tolist(), found, strict=True):
            pieces[k] = piece
    return pieces


def _read(path, places):
    try:
        with open(path, "rb", buffering=0) as file:
            pieces = [os.pread(file.fileno(), size, offset) for offset, size in places]
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None
    if any(len(piece) != size for piece, (_, size) in zip(pieces, places, strict=True)):
        raise DataError(
            f"{path}: is shorter than it was when it was looked through; take it from a copy"
        )
    return pieces
