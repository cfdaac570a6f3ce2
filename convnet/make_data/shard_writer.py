"""Writes one shard: a tar of JPEGs and labels in WebDataset's convention, and its index.

The bytes depend only on what is added, not on times, users or permissions of this machine.  Both
files get their final names when they are complete and on the disk.
"""

import hashlib
import os
import tarfile
import zlib
from pathlib import Path

import numpy as np

from convnet.data.datasets.shard_folder import (
    INDEX_COLUMNS,
    VERSION,
    ShardFile,
    index_name,
    sha256_of,
    shard_name,
)
from convnet.stored.files import replacing, sync

_BLOCK = 512
_END = bytes(2 * _BLOCK)


class ShardWriter:
    """Writes a shard of a split to a folder.

    It is a context manager; without `finish`, leaving the context removes what was written.
    """

    def __init__(self, folder: Path, split: str, number: int):
        self._tar = folder / shard_name(split, number)
        self._index = folder / index_name(split, number)
        self._partial = self._tar.with_suffix(".tar.partial")
        self._hash, self._position, self._rows = hashlib.sha256(), 0, []

    def __enter__(self) -> "ShardWriter":
        self._file = open(self._partial, "wb")
        return self

    def __exit__(self, *_):
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def add(self, key: str, jpeg: bytes, label: int) -> None:
        """Add an image; key: ASCII without dots or slashes, at most 90 characters."""
        self._rows.append((self._position + _BLOCK, len(jpeg), label, zlib.crc32(jpeg)))
        self._member(f"{key}.jpg", jpeg)
        self._member(f"{key}.cls", b"%d" % label)

    def finish(self) -> ShardFile:
        """Complete the tar, write its index, and return sizes and checksums."""
        self._write(_END)
        self._file.flush()
        os.fsync(self._file.fileno())
        table = np.array(self._rows, np.int64).reshape(-1, INDEX_COLUMNS[VERSION])
        index_sha256 = write_array(self._index, table)
        self._partial.replace(self._tar)
        sync(self._tar.parent)
        return ShardFile(len(self._rows), self._position, self._hash.hexdigest(), index_sha256)

    def _member(self, name, data):
        header = tarfile.TarInfo(name)
        header.size = len(data)
        self._write(header.tobuf(tarfile.USTAR_FORMAT))
        self._write(data + bytes(-len(data) % _BLOCK))

    def _write(self, data):
        self._file.write(data)
        self._hash.update(data)
        self._position += len(data)


def write_array(path: Path, array: np.ndarray) -> str:
    """Write a NumPy file, atomically and to the disk, and return its SHA-256."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)
        file.flush()
        sha256 = sha256_of(temporary)
    return sha256


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8, atomically and to the disk."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
