"""Lists the images in tars, and in tars within them, without unpacking anything.

Only the byte range of each image is recorded.  Links are not followed, and file names determine
only the class.
"""

import io
import os
import tarfile
from pathlib import Path, PurePosixPath

from convnet.errors import DataError
from convnet.make_data.leftovers import LEFTOVER, is_leftover
from convnet.make_data.listing import Entry, Listing

_COMPRESSED = {
    b"\x1f\x8b": "gzip -d",
    b"BZh": "bzip2 -d",
    b"\xfd7zXZ": "xz -d",
    b"\x28\xb5\x2f\xfd": "zstd -d",
    b"PK\x03\x04": "unzip",
}
_LARGEST_HEADER = 1 << 20  # bytes; long names are stored in headers of their own
_DEEPEST = 2


def scan_archive(path: Path, listing: Listing, wnid: str | None = None) -> None:
    """Add the images of a tar; DataError if it is truncated, compressed or not a tar.

    They belong to the class `wnid`; by default the class is the name of the inner tar, or of the
    folder, that holds the image.
    """
    source = len(listing.sources)
    listing.sources.append(path)
    try:
        with open(path, "rb", buffering=0) as file:
            _refuse_compressed(path, os.pread(file.fileno(), 8, 0))
            size = os.fstat(file.fileno()).st_size
            _Scan(listing, source, file.fileno()).scan(0, size, wnid, path.name)
    except tarfile.TarError as problem:
        raise DataError(
            f"{path}: {problem} in {listing.place}: the archive is truncated or not a tar; compare "
            "its size and checksum with the published ones"
        ) from None


def _refuse_compressed(path, start):
    for mark, command in _COMPRESSED.items():
        if start.startswith(mark):
            raise DataError(
                f"{path}: is compressed, but images are read from byte ranges of the archive; "
                f"decompress the archive itself first ({command})"
            )


class _Scan:
    def __init__(self, listing, source, descriptor):
        self.listing, self.source, self.descriptor = listing, source, descriptor

    def scan(self, start, size, wnid, place, depth=1):
        """Add the images of the tar that lies at these bytes of the file."""
        self.listing.place = place
        window = _Window(self.descriptor, start, size)
        with tarfile.open(fileobj=window, mode="r:", encoding="utf-8") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # tarfile would keep a million of them
                if member.offset_data + member.size > size:
                    raise tarfile.ReadError(f"unexpected end of data at {_shown(member.name)}")
                self._add_member(member, start, wnid, depth)
                self.listing.place = place

    def _add_member(self, member, start, wnid, depth):
        name, parts = member.name, PurePosixPath(member.name).parts
        why = _refused(member, parts)
        if member.isdir():
            return
        if is_leftover(parts) and ".." not in parts:
            self.listing.pass_over(_shown(name), LEFTOVER)
        elif why:
            self.listing.pass_over(_shown(name), f"{why}, not followed")
        elif name.lower().endswith(".tar") and depth < _DEEPEST and wnid is None:
            inner, before = start + member.offset_data, len(self.listing.entries)
            self.scan(inner, member.size, PurePosixPath(name).stem, _shown(name), depth + 1)
            self.listing.empty_class(_shown(name), before)
        else:
            self._add_image(parts, start + member.offset_data, member.size, wnid)

    def _add_image(self, parts, offset, size, wnid):
        if wnid is None and len(parts) > 1:
            wnid, parts = parts[-2], parts[-1:]
        elif parts[0] == wnid and len(parts) > 1:
            parts = parts[1:]
        name = "/".join(parts if wnid is None else (wnid, *parts))
        self.listing.add(Entry(wnid, name, self.source, offset, size))


def _refused(member, parts):
    """Return why a member is ignored; None if it is not."""
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
    """A byte range of a file as a file; long reads are refused, since only headers are read."""

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
        found = os.pread(self._descriptor, size, self._start + self._position)
        self._position += len(found)
        return found
