"""Lists the images of a folder that has a folder for each class (or also, if asked for, a tar)."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from convnet.data.byte_range import UnreadableFile
from convnet.data.pictures.annotations import FILE, IMAGES, folder_annotations
from convnet.data.pictures.image_files import HEAD
from convnet.data.pictures.leftovers import LEFTOVER, is_leftover
from convnet.data.pictures.listing import Entry, Listing

# Adds the images of the tar of a class; returns False if the file is none by its name.
AddArchive = Callable[[Path, Listing], bool]


def scan_folder(folder: Path, listing: Listing, add_archive: AddArchive | None = None) -> None:
    """Add the images in `folder`: each folder in it, with all below, is a class.

    add_archive: asked about each file beside these folders; without it, tars are not read.

    Images beside these belong to no class.  Links to files and links among the classes are
    followed, as they are the user's own; links to folders further down are not.  What cannot be
    read is recorded.  Errors of `add_archive`, and OSError if `folder` itself cannot be read.

    If a file names the classes of the images in one folder (see
    `convnet.data.pictures.annotations`), that folder is no class.
    """
    source = len(listing.sources)
    listing.sources.append(folder)
    scan = _Scan(folder, source, listing, add_archive)
    classes = folder_annotations(folder)
    if classes is not None:
        scan.add_annotated(classes)
    for name in sorted(os.listdir(folder)):
        if classes is None or name not in (IMAGES, FILE):
            scan.add_class(name)


class _Scan:
    """Adds what lies in a folder.  All paths are relative to it, with slashes."""

    def __init__(self, folder, source, listing, add_archive):
        self.folder, self.source, self.listing = folder, source, listing
        self._add_archive = add_archive

    def add_class(self, name):
        """Add the images of a folder or tar, or an image that has no class."""
        status, before = self._status(name), len(self.listing.entries)
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode):
            if self._add_below(name):
                self.listing.empty_class(name, before)
        elif not self._is_archive(name, before):
            self._add(None, name, status)

    def add_annotated(self, classes):
        """Add the images of the folder `images`; classes: image -> WordNet id."""
        start = len(self.listing.entries)
        self._add_below(IMAGES)
        found, self.listing.entries[start:] = self.listing.entries[start:], []
        for entry in found:
            name = entry.name.partition("/")[2]
            if name in classes:
                self.listing.entries.append(entry._replace(wnid=classes.pop(name)))
            else:
                self.listing.pass_over(entry.name, f"has no class in {FILE}")
        for name in classes:
            self.listing.unreadable(f"{IMAGES}/{name}", f"{FILE} names it, but it is not there")

    def _is_archive(self, name, before) -> bool:
        """Add the images of a tar; return whether the file is one."""
        try:
            if self._add_archive is None or not self._add_archive(self.folder / name, self.listing):
                return False
        except UnreadableFile as problem:
            self.listing.unreadable(name, problem.strerror)
        else:
            self.listing.empty_class(name, before)
        return True

    def _add_below(self, wnid) -> bool:
        """Add all images below the folder of a class; return whether it could be read."""
        places = [wnid]
        while places:
            place = places.pop()
            try:
                names = sorted(os.listdir(self.folder / place))
            except OSError as problem:
                self.listing.unreadable(place, problem.strerror)
                if place == wnid:
                    return False
                continue
            below = [path for name in names if (path := self._add_file(wnid, f"{place}/{name}"))]
            places += reversed(below)
        return True

    def _add_file(self, wnid, path) -> str | None:
        """Add a file; return its path if it is a folder to look into."""
        status = self._status(path)
        if status is None:
            return None
        if not stat.S_ISDIR(status.st_mode):
            self._add(wnid, path, status)
        elif os.path.islink(self.folder / path):
            self.listing.pass_over(path, "a link to a folder, not followed")
        else:
            return path
        return None

    def _add(self, wnid, path, status):
        entry = Entry(wnid, path, self.source, 0, status.st_size)
        self.listing.add(entry, lambda: self._head(path), status.st_mtime_ns)

    def _head(self, path) -> bytes:
        with open(self.folder / path, "rb", buffering=0) as file:
            return file.read(HEAD)

    def _status(self, path) -> os.stat_result | None:
        """Return the status of a folder or file; None, recorded, if it is nothing to read."""
        name = path.rpartition("/")[2]
        try:
            status = os.stat(self.folder / path)
        except OSError as problem:
            if is_leftover([name]):  # such as the lock of an editor, a link to nowhere
                self.listing.pass_over(path, LEFTOVER)
            else:
                self.listing.unreadable(path, problem.strerror)
            return None
        is_folder = stat.S_ISDIR(status.st_mode)
        if is_leftover([name], is_folder):
            self.listing.pass_over(path, LEFTOVER)
        elif not is_folder and not stat.S_ISREG(status.st_mode):
            self.listing.unreadable(path, "a pipe, a socket or a device")
        else:
            return status
        return None
