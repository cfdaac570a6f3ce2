"""Files that appear as a whole: written beside, synced, then renamed; and plain files to read."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from convnet.display import harmless
from convnet.errors import ConvnetError, DataError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there replaces `path` at the end.

    At every moment `path` is the old file or the whole new one.  If the block raises, or the file
    cannot be written, the old one stays and the temporary one is removed.  Raises OSError.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- reading ---------------------------------------------------------------------------------------


@contextmanager
def plain_file(
    path: str | Path, error: type[ConvnetError] = DataError
) -> Iterator[tuple[BinaryIO, int]]:
    """Open a plain file and give it with its size; nothing else, such as a pipe, is waited for.

    Raises `error` if it is missing, a folder or the like, or cannot be read, also in the block.
    """
    name = harmless(str(path))
    try:
        descriptor = _opened(path)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or device"
            raise error(f"{name}: is {kind}; expected a file")
        with open(descriptor, "rb") as file:
            yield file, found.st_size
    except OSError as problem:
        raise error(f"{name}: cannot be read ({reason(problem)})") from None


def _opened(path: str | Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except ValueError as problem:  # a zero byte, or a character that no file name can hold
        raise OSError(str(problem)) from None


def plain_bytes(path: str | Path, most: int, error: type[ConvnetError] = DataError) -> bytes:
    """Return the contents of a plain file of at most `most` bytes.  Raises `error`."""
    with plain_file(path, error) as (file, size):
        if size > most:
            name = harmless(str(path))
            raise error(f"{name}: is damaged: expected at most {most:,} bytes, found {size:,}")
        return file.read(most)


def reason(problem: Exception) -> str:
    """Return why a file cannot be used, for a message: "no such file or directory"."""
    return harmless(getattr(problem, "strerror", None) or str(problem)).lower()
