"""Lists the images in tars, and in tars within them, without unpacking anything.

Only the byte range of each image is recorded.  Links are not followed, and file names determine
only the class.
"""

import io
import os
from pathlib import Path, PurePosixPath

from convnet.data.byte_range import UnreadableFile
from convnet.data.pictures.annotations import FILE, IMAGES, LARGEST, read_annotations
from convnet.data.pictures.image_files import HEAD
from convnet.data.pictures.leftovers import LEFTOVER, is_leftover
from convnet.data.pictures.listing import Entry, Listing
from convnet.display import harmless
from convnet.errors import DataError
from convnet.make_data.compressed import class_of, ending, unpack
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


def scan_archive(
    path: Path, listing: Listing, wnid: str | None = None, label: str | None = None
) -> None:
    """Add the images of a tar; DataError if it is truncated, compressed or not a tar.

    They belong to the class `wnid`; by default the class is the name of the inner tar, or of the
    folder, that holds the image (of a folder `images`: the folder above, or what a file beside it
    states, see `convnet.data.pictures.annotations`).  The tar of a class may be compressed; it is
    unpacked into the listing's scratch folder.

    label: what messages call the tar; by default its path.
    """
    if wnid is not None and ending(path.name):
        with open_regular(path) as file:
            _scan_unpacked(file, str(path), os.fstat(file.fileno()).st_size, listing, wnid)
        return
    source = len(listing.sources)
    listing.sources.append(path)
    try:
        with open_regular(path) as file:
            _refuse_compressed(path, os.pread(file.fileno(), 8, 0))
            size = os.fstat(file.fileno()).st_size
            scan = _Scan(listing, source, file.fileno())
            scan.scan(0, size, wnid, label or path.name)
            scan.apply_annotations()
    except OSError as problem:
        raise UnreadableFile(path, problem) from None
    except Damaged as problem:
        name = harmless(label or str(path))
        raise DataError(
            f"{name}: {problem} in {listing.place}: the archive is truncated or not a tar; compare "
            "its size and checksum with the published ones"
        ) from None


def add_class_archive(path: Path, listing: Listing) -> bool:
    """Add the images of a tar whose name is that of their class; return False for another file.

    DataError as in `scan_archive`.
    """
    name = path.name
    if not name.lower().endswith(".tar") and not ending(name):
        return False
    scan_archive(path, listing, class_of(name) if ending(name) else path.stem)
    return True


def _scan_unpacked(file, name, size, listing, wnid):
    """Add the images of the compressed tar of a class."""
    target = listing.next_unpacked()
    if target is None:
        raise DataError(f"{name}: is compressed; decompress it first")
    unpack(file, name, size, target)
    scan_archive(target, listing, wnid, name)


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
        self.start = len(listing.entries)
        self.annotations = {}  # folder -> image -> WordNet id
        self.in_images = {}  # place in the listing -> the folder that holds the folder `images`

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
        elif ending(name) and depth < _DEEPEST and wnid is None:
            self._add_compressed(member, start + member.offset_data)
        elif parts[-1] == FILE and wnid is None:
            size = min(member.size, LARGEST + 1)
            data = os.pread(self.descriptor, size, start + member.offset_data)
            self.annotations["/".join(parts[:-1])] = read_annotations(data, shown(name))
        else:
            self._add_image(parts, start + member.offset_data, member.size, wnid)

    def _add_compressed(self, member, offset):
        name, before = shown(member.name), len(self.listing.entries)
        window = io.BufferedReader(_Window(self.descriptor, offset, member.size))
        label, wnid = f"{self.listing.sources[self.source]}: {name}", class_of(member.name)
        _scan_unpacked(window, label, member.size, self.listing, wnid)
        self.listing.empty_class(name, before)

    def apply_annotations(self):
        """Give the images in folders `images` the classes that files beside these state."""
        entries, without = self.listing.entries, set()
        for place, folder in self.in_images.items():
            name = entries[place].name.rpartition("/")[2]
            if folder in self.annotations:
                wnid = self.annotations[folder].pop(name, None)
                entries[place] = entries[place]._replace(wnid=wnid, name=f"{IMAGES}/{name}")
                if wnid is None:
                    without.add(place)
                    self.listing.pass_over(f"{IMAGES}/{name}", f"has no class in {FILE}")
        if without:
            places = range(self.start, len(entries))
            entries[self.start :] = [entries[i] for i in places if i not in without]
        for name in (name for images in self.annotations.values() for name in images):
            self.listing.unreadable(f"{IMAGES}/{name}", f"{FILE} names it, but it is not there")

    def _add_image(self, parts, offset, size, wnid):
        before, folder = len(self.listing.entries), None
        if wnid is None and len(parts) > 1 and parts[-2] == IMAGES:
            folder = "/".join(parts[:-2])
            wnid, parts = (*parts[-3:-2], IMAGES)[0], parts[-2 if len(parts) > 2 else -1 :]
        elif wnid is None and len(parts) > 1:
            wnid, parts = parts[-2], parts[-1:]
        elif parts[0] == wnid and len(parts) > 1:
            parts = parts[1:]
        name = "/".join(parts if wnid is None else (wnid, *parts))
        self.listing.add(
            Entry(wnid, name, self.source, offset, size),
            lambda: os.pread(self.descriptor, min(HEAD, size), offset),
        )
        if folder is not None and len(self.listing.entries) > before:
            self.in_images[before] = folder


def _refused(member, parts):
    """Return why a member is ignored; None if it is not."""
    if member.issym() or member.islnk():
        return "a link in an archive"
    if not is_ordinary(member):
        return "no ordinary file in an archive"
    if not parts or parts[0] == "/" or ".." in parts:
        return "a path out of the archive"
    return None


class _Window(io.RawIOBase):
    """A byte range of a file, as a file to read from its beginning."""

    def __init__(self, descriptor, start, size):
        self._descriptor, self._start, self._left = descriptor, start, size

    def readable(self):
        return True

    def readinto(self, buffer):
        found = os.pread(self._descriptor, min(len(buffer), self._left), self._start)
        self._start, self._left = self._start + len(found), self._left - len(found)
        buffer[: len(found)] = found
        return len(found)
