"""Lists the images in tars, and in tars within them, without unpacking anything.

Only the byte range of each image is recorded.  Links are not followed, and file names determine
only the class.
"""

import os
from pathlib import Path, PurePosixPath

from convnet.display import harmless
from convnet.errors import DataError
from convnet.make_data.leftovers import LEFTOVER, is_leftover
from convnet.make_data.listing import Entry, Listing
from convnet.stored.archives import Damaged
from convnet.stored.files import open_regular
from convnet.stored.tars import is_ordinary, members, shown

_COMPRESSED = {
    b"\x1f\x8b": "gzip -d",
    b"BZh": "bzip2 -d",
    b"\xfd7zXZ": "xz -d",
    b"\x28\xb5\x2f\xfd": "zstd -d",
    b"PK\x03\x04": "unzip",
}
_DEEPEST = 2


def scan_archive(path: Path, listing: Listing, wnid: str | None = None) -> None:
    """Add the images of a tar; DataError if it is truncated, compressed or not a tar; OSError.

    They belong to the class `wnid`; by default the class is the name of the inner tar, or of the
    folder, that holds the image.
    """
    source = len(listing.sources)
    listing.sources.append(path)
    try:
        with open_regular(path) as file:
            _refuse_compressed(path, os.pread(file.fileno(), 8, 0))
            size = os.fstat(file.fileno()).st_size
            _Scan(listing, source, file.fileno()).scan(0, size, wnid, path.name)
    except Damaged as problem:
        raise DataError(
            f"{harmless(str(path))}: {problem} in {listing.place}: the archive is truncated or not "
            "a tar; compare its size and checksum with the published ones"
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

        def read_at(count, offset):
            return os.pread(self.descriptor, min(count, max(size - offset, 0)), start + offset)

        for member in members(read_at, size):
            self._add_member(member, start, wnid, depth)
            self.listing.place = place

    def _add_member(self, member, start, wnid, depth):
        name, parts = member.name, PurePosixPath(member.name).parts
        why = _refused(member, parts)
        if member.isdir():
            return
        if is_leftover(parts) and ".." not in parts:
            self.listing.pass_over(shown(name), LEFTOVER)
        elif why:
            self.listing.pass_over(shown(name), f"{why}, not followed")
        elif name.lower().endswith(".tar") and depth < _DEEPEST and wnid is None:
            inner, before = start + member.offset_data, len(self.listing.entries)
            self.scan(inner, member.size, PurePosixPath(name).stem, shown(name), depth + 1)
            self.listing.empty_class(shown(name), before)
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
    if not is_ordinary(member):
        return "no ordinary file in an archive"
    if not parts or parts[0] == "/" or ".." in parts:
        return "a path out of the archive"
    return None
