"""Writes one shard: a tar of JPEGs and labels in WebDataset's convention, and its index.

The bytes depend on what is added alone: no times, users or rights of this machine.  Both files
get their names when they are whole.
"""

import hashlib
import os
import tarfile
from pathlib import Path

import numpy as np

from convnet.data.datasets.shard_folder import ShardFile, index_name, shard_name

_BLOCK = 512
_END = bytes(2 * _BLOCK)


class ShardWriter:
    """Use as a context manager; without `finish` nothing is left."""

    def __init__(self, folder: Path, split: str, number: int):
        self._tar = folder / shard_name(split, number)
        self._index = folder / index_name(split, number)
        self._partial = self._tar.with_suffix(".tar.partial")
        self._hash, self._position, self._rows = hashlib.sha256(), 0, []

    def __enter__(self):
        self._file = open(self._partial, "wb")
        return self

    def __exit__(self, *_):
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def add(self, key: str, jpeg: bytes, label: int) -> None:
        """key: ASCII without dots or slashes, at most 90 characters."""
        self._rows.append((self._position + _BLOCK, len(jpeg), label))
        self._member(f"{key}.jpg", jpeg)
        self._member(f"{key}.cls", b"%d" % label)

    def finish(self) -> ShardFile:
        self._write(_END)
        self._file.flush()
        os.fsync(self._file.fileno())
        index_sha256 = write_array(self._index, np.array(self._rows, np.int64).reshape(-1, 3))
        self._partial.replace(self._tar)
        return ShardFile(len(self._rows), self._position, self._hash.hexdigest(), index_sha256)

    def _member(self, name, data):
        header = tarfile.TarInfo(name)
        header.size = len(data)
        self._write(header.tobuf(tarfile.USTAR_FORMAT))
        self._write(data + bytes(-len(data) % _BLOCK))

    def _write(self, piece):
        self._file.write(piece)
        self._hash.update(piece)
        self._position += len(piece)


def write_array(path: Path, array: np.ndarray) -> str:
    """Writes a NumPy file, whole or not at all, and returns its SHA-256."""
    partial = path.with_name(f"{path.name}.partial")
    with open(partial, "wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)
    partial.replace(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()
