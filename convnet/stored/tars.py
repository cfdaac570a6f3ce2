"""The members of a tar, listed within bounds of time and memory, whatever the bytes are."""

import io
import os
import tarfile
from collections.abc import Callable, Iterator

from convnet.stored.archives import Damaged, unpacking

_MOST_HEADERS = 1 << 20  # bytes before one member; long names are stored in headers of their own
_MOST_GLOBAL = 100  # records that hold for all later members, each of which is given all of them
REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)


def members(
    read_at: Callable[[int, int], bytes], size: int, encoding: str = "utf-8"
) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar, whose contents are never read.

    read_at: returns at most so many bytes (the first argument) from an offset (the second).
    size: bytes of the tar.  Damaged, with the offset and the last member, if it is not a tar or
    ends too early, or if a header is malformed, larger than 1 MiB, or leads back.
    """
    window, where = _Window(read_at, size), "in the first header"
    at = -1
    try:
        with unpacking():
            tar = tarfile.open(fileobj=window, mode="r:", encoding=encoding)
        while True:
            window.allowed = _MOST_HEADERS
            with unpacking():
                member = tar.next()
            if member is None:
                _check_end(read_at(tarfile.BLOCKSIZE, tar.offset))
                return
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep a million
            _check(member, at, size, tar)
            yield member
            at, where = member.offset_data, f"after {shown(member.name)}"
    except Damaged as problem:
        raise Damaged(f"{problem} (byte {max(window.tell(), 0):,}, {where})") from None


def shown(name: str) -> str:
    """Return a member's name in ASCII, with escapes, cut to 200 characters."""
    return ascii(name[:200])[1:-1]


def is_ordinary(member: tarfile.TarInfo) -> bool:
    """Whether a member is a file whose bytes lie in the tar as they are."""
    return member.type in REGULAR and not member.issparse()


def _check(member: tarfile.TarInfo, at: int, size: int, tar: tarfile.TarFile) -> None:
    if member.size < 0 or member.offset_data <= at:
        raise Damaged(f"{shown(member.name)} has a negative size")
    if member.offset_data + (member.size if is_ordinary(member) else 0) > size:
        raise Damaged(f"unexpected end of data at {shown(member.name)}")
    if len(tar.pax_headers) > _MOST_GLOBAL:
        raise Damaged(f"more than {_MOST_GLOBAL} global header records")


def _check_end(block: bytes) -> None:
    """Damaged unless the block where a header should be is the end: zeros, or nothing at all."""
    if any(block) or 0 < len(block) < tarfile.BLOCKSIZE:
        raise Damaged("no header where the next file should begin")


class _Window(io.RawIOBase):
    """The tar as a file that tarfile reads headers from; contents are only passed over."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int):
        self._read_at, self._size, self._position = read_at, size, 0
        self.allowed = _MOST_HEADERS

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise Damaged("a header leads before the start")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        self.allowed -= max(size, 0)
        if size < 0 or self.allowed < 0:
            raise Damaged(f"a header of more than {_MOST_HEADERS >> 20} MiB")
        size = max(min(size, self._size - self._position), 0)
        found = self._read_at(size, self._position)
        self._position += len(found)
        return found
