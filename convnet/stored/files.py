"""Files that appear as a whole (written beside, synced, then renamed), and files opened safely."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

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
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None


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
        if os.fstat(file.fileno()).st_size > most:
            raise _too_large(most, path)
        data = file.read(most + 1)  # files in /proc have a size of 0
    if len(data) > most:
        raise _too_large(most, path)
    return data


def _regular(status: os.stat_result, path: str | Path) -> os.stat_result:
    if stat.S_ISREG(status.st_mode):
        return status
    kind = next((text for test, text in _KINDS if test(status.st_mode)), "is not a regular file")
    raise NotAFile(errno.EINVAL, kind, str(path))


def _too_large(most: int, path: str | Path) -> OSError:
    return OSError(errno.EFBIG, f"has more than {most:,} bytes", str(path))


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
