"""Looks through tars of images, and tars in them, without unpacking anything.

Of each image only its place is taken down.  Links are not followed, and names only tell the class.
"""

import io
import os
import tarfile
from pathlib import Path, PurePosixPath

from convnet.errors import DataError
from convnet.make_data.listing import Entry, Found

_COMPRESSED = {
    b"\x1f\x8b": "gzip -d",
    b"BZh": "bzip2 -d",
    b"\xfd7zXZ": "xz -d",
    b"\x28\xb5\x2f\xfd": "zstd -d",
    b"PK\x03\x04": "unzip",
}
_LARGEST_HEADER = 1 << 20  # bytes; long names are stored in headers of their own
_DEEPEST = 2


def look_through(path: Path, found: Found, wnid: str | None = None) -> None:
    """Adds the images of a tar.  DataError if it is cut short, compressed or no tar.

    They belong to the class `wnid`; without it, to the one that the tar in the tar, or the folder
    in it, is named after.
    """
    source = len(found.sources)
    found.sources.append(path)
    try:
        with open(path, "rb", buffering=0) as file:
            _refuse_compressed(path, os.pread(file.fileno(), 8, 0))
            size = os.fstat(file.fileno()).st_size
            _Search(found, source, file.fileno()).search(0, size, wnid, path.name)
    except tarfile.TarError as problem:
        raise DataError(
            f"{path}: {problem} in {found.place}: the archive is cut short or no tar; compare its "
            "size and checksum with the published ones"
        ) from None


def _refuse_compressed(path, start):
    for mark, command in _COMPRESSED.items():
        if start.startswith(mark):
            raise DataError(
                f"{path}: is compressed, and images are read at their places in the archive; "
                f"unpack the archive itself first ({command})"
            )


class _Search:
    def __init__(self, found, source, descriptor):
        self.found, self.source, self.descriptor = found, source, descriptor

    def search(self, start, size, wnid, place, depth=1):
        self.found.place = place
        window = _Window(self.descriptor, start, size)
        with tarfile.open(fileobj=window, mode="r:", encoding="utf-8") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # of which tarfile would keep a million
                if member.offset_data + member.size > size:
                    raise tarfile.ReadError(f"unexpected end of data at {_shown(member.name)}")
                self._take(member, start, wnid, depth)
                self.found.place = place

    def _take(self, member, start, wnid, depth):
        name, parts = member.name, PurePosixPath(member.name).parts
        why = _refused(member, parts)
        if member.isdir():
            return
        if why:
            self.found.pass_over(_shown(name), f"{why}, not followed")
        elif name.lower().endswith(".tar") and depth < _DEEPEST and wnid is None:
            inner = start + member.offset_data
            self.search(inner, member.size, PurePosixPath(name).stem, _shown(name), depth + 1)
        else:
            self._add(parts, start + member.offset_data, member.size, wnid)

    def _add(self, parts, offset, size, wnid):
        if wnid is None and len(parts) > 1:
            wnid, parts = parts[-2], parts[-1:]
        elif parts[0] == wnid and len(parts) > 1:
            parts = parts[1:]
        name = "/".join(parts if wnid is None else (wnid, *parts))
        self.found.add(Entry(wnid, name, self.source, offset, size))


def _refused(member, parts):
    """Why a member is not even looked at; None if it may be."""
    if member.issym() or member.islnk():
        return "a link in an archive"
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        return "no ordinary file in an archive"
    if not parts or parts[0] == "/" or ".." in parts:
        return "a path out of the archive"
    return None


def _shown(name):
    return ascii(name)[1:-1]


class _Window(io.RawIOBase):
    """Some bytes of a file as a file.  Long pieces are refused: only headers are read here."""

    def __init__(self, descriptor, start, size):
        self._descriptor, self._start, self._size = descriptor, start, size
        self._position = 0

    def seekable(self):
        return True

    def tell(self):
        return self._position

    def seek(self, offset, whence=os.SEEK_SET):
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size=-1):
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError("a header of more than 1 MiB")
        size = max(min(size, self._size - self._position), 0)
        piece = os.pread(self._descriptor, size, self._start + self._position)
        self._position += len(piece)
        return piece
