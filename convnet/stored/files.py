"""Files that appear as a whole: written beside, synced, then renamed; and plain files to read."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from convnet.display import harmless
from convnet.errors import ConvnetError, DataError

_KINDS = (
    (stat.S_ISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, "is a named pipe, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
)


class NotAFile(OSError):
    """The path names a folder, a pipe, a socket or a device; `strerror` says which."""


def check_regular(path: str | Path) -> os.stat_result:
    """Return the status of a regular file, links followed, without opening it.

    Raises NotAFile for anything else, OSError if there is nothing or it cannot be looked at.
    """
    try:
        return _regular(os.stat(path), path)
    except ValueError:  # a zero byte in the path
        raise NotAFile(errno.EINVAL, "cannot be read: no path holds such characters", "") from None


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading; never waits, as opening a named pipe would.

    Raises NotAFile for anything that is not a regular file, OSError if it cannot be opened.
    """
    check_regular(path)  # so that a device is not even opened
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    try:
        _regular(os.fstat(descriptor), path)  # the path may name something else by now
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | Path, most: int) -> bytes:
    """Return the bytes of a regular file.

    Raises OSError as `open_regular` does, and for a file of more than `most` bytes.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise _too_large(most, path)
        data = bytearray()  # in chunks: Python allocates as many bytes as it is asked for
        while len(data) <= most and (chunk := file.read(_CHUNK)):
            data += chunk
    if len(data) > most:
        raise _too_large(most, path)
    return bytes(data)


@contextmanager
def plain_file(
    path: str | Path, error: type[ConvnetError] = DataError
) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file and give it with its size; nothing else, such as a pipe, is waited for.

    Raises `error` if it is missing, a folder or the like, or cannot be read, also in the block.
    """
    name = harmless(str(path))
    try:
        with open_regular(path) as file:
            yield file, os.fstat(file.fileno()).st_size
    except NotAFile as problem:
        raise error(f"{name}: {problem.strerror}") from None
    except OSError as problem:
        raise error(f"{name}: cannot be read ({reason(problem)})") from None


def plain_bytes(path: str | Path, most: int, error: type[ConvnetError] = DataError) -> bytes:
    """Return the contents of a regular file of at most `most` bytes.  Raises `error`."""
    with plain_file(path, error) as (file, size):
        if size > most:
            name = harmless(str(path))
            raise error(f"{name}: is damaged: expected at most {most:,} bytes, found {size:,}")
        return file.read(size)


def reason(problem: Exception) -> str:
    """Return why a file cannot be used, for a message: "no such file or directory"."""
    return harmless(getattr(problem, "strerror", None) or str(problem)).lower()


def _regular(status: os.stat_result, path: str | Path) -> os.stat_result:
    if stat.S_ISREG(status.st_mode):
        return status
    kind = next((text for test, text in _KINDS if test(status.st_mode)), "is not a regular file")
    raise NotAFile(errno.EINVAL, kind, str(path))


def _too_large(most: int, path: str | Path) -> OSError:
    return OSError(errno.EFBIG, f"has more than {most:,} bytes", str(path))


_CHUNK = 1 << 20
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


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
        with suppress(OSError):  # the new file is in place, and some file systems sync no folders
            sync(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def restoring(path: str | Path) -> Iterator[None]:
    """Bring `path` back to what it was if the block raises: for files that belong together."""
    path = Path(path)
    backup = path.with_name(f".{path.name}.{os.getpid()}.old.tmp")
    with suppress(FileNotFoundError):
        os.link(path, backup)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            os.replace(backup, path) if backup.exists() else path.unlink(missing_ok=True)
        raise
    finally:
        with suppress(OSError):
            backup.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- reading ---------------------------------------------------------------------------------------
