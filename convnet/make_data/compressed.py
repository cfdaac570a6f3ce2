"""Compressed tars of classes, inside an archive or a folder: they are unpacked beside the set.

The images of a set are read from byte ranges, so what is compressed must be decompressed once.
"""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from convnet.errors import DataError
from convnet.stored.files import sync

_OPENERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    ".tar.gz": lambda file: gzip.GzipFile(fileobj=file),
    ".tgz": lambda file: gzip.GzipFile(fileobj=file),
    ".tar.bz2": bz2.BZ2File,
    ".tbz2": bz2.BZ2File,
    ".tbz": bz2.BZ2File,
    ".tar.xz": lzma.LZMAFile,
    ".txz": lzma.LZMAFile,
}
_CHUNK = 1 << 20
_MOST_TIMES, _SMALL = 200, 1 << 30  # images compress by a few percent; what grows more is a bomb
_DAMAGES = (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)


def ending(name: str) -> str:
    """Return the ending of a compressed tar's name; "" for other names."""
    return next((end for end in _OPENERS if name.lower().endswith(end)), "")


def class_of(name: str) -> str:
    """Return the name of a compressed tar without folders and ending: that of its class."""
    return PurePosixPath(name).name[: -len(ending(name))]


def unpack(file: BinaryIO, name: str, size: int, target: Path) -> None:
    """Decompress a tar of `size` bytes into the file `target`, on the disk.

    name: of the compressed tar.  DataError, with it, if it is damaged or unreasonably large;
    OSError if `target` cannot be written.
    """
    most, written = max(_SMALL, _MOST_TIMES * size), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    stream = _OPENERS[ending(name)](file)
    with target.open("wb") as out:
        while part := _read(stream, name):
            written += len(part)
            if written > most:
                raise DataError(
                    f"{name}: its {size:,} bytes unpack to more than {most:,}; this is no tar of "
                    "images"
                )
            out.write(part)
    sync(target)


def _read(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read(_CHUNK)
    except _DAMAGES as problem:
        raise DataError(
            f"{name}: is damaged ({problem}); compare its size and checksum with the published ones"
        ) from None
