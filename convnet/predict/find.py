"""Finds the image files that a user names: files, folders, and lists of paths."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from convnet.data.pictures.image_files import HEAD, is_image, named_as_image
from convnet.data.pictures.leftovers import is_leftover
from convnet.display import escaped
from convnet.stored.files import reason
from convnet.stored.paths import path_problem

LARGEST_FILE = 256 << 20  # bytes of one image


@dataclass
class Found:
    """What was found, in order.

    files    the image files
    sizes    of each, bytes
    skipped  what cannot be read, each with the reason
    """

    files: list[Path] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)

    def add(self, path: Path, size: int) -> None:
        """Add an image file, or record that it is too large."""
        if size > LARGEST_FILE:
            self.skipped.append((path, f"has {size:,} bytes; at most {LARGEST_FILE:,} are read"))
        else:
            self.files.append(path)
            self.sizes.append(size)


def find_pictures(paths: Iterable[Path]) -> Found:
    """Return the image files among files and folders, in the given order.

    A file that is named is taken whatever its name.  Of a folder, all images in it and below are
    taken, sorted by name: files named as images, and others whose first bytes are those of one.
    Hidden files and what programs leave behind are no images, see
    `convnet.data.pictures.leftovers`, and links to folders are not followed.
    """
    found = Found()
    for path in paths:
        problem = path_problem(path)
        if problem:
            found.skipped.append((path, problem.rpartition(": ")[2]))
            continue
        try:
            status = os.stat(path)
        except OSError as error:
            found.skipped.append((path, reason(error)))
            continue
        if stat.S_ISDIR(status.st_mode):
            _add_folder(found, path)
        elif stat.S_ISREG(status.st_mode):
            found.add(path, status.st_size)
        else:
            found.skipped.append((path, "is a pipe or a device, not a file or a folder"))
    return found


def listed_paths(file: BinaryIO) -> Iterator[Path]:
    """Yield the paths in a list, one on each line; empty lines are passed over."""
    for line in file:
        name = line.rstrip(b"\r\n")
        if name.strip():
            yield Path(os.fsdecode(name))


def _add_folder(found: Found, folder: Path) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        found.skipped.append((folder, reason(error)))
        return
    for entry in entries:
        path = folder / entry.name
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_leftover([entry.name], is_folder):
                continue
            if is_folder:
                _add_folder(found, path)
            elif entry.is_file() and (named_as_image(entry.name) or is_image(_head(path))):
                found.add(path, entry.stat().st_size)
        except OSError as error:
            found.skipped.append((path, reason(error)))


def _head(path: Path) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read(HEAD)


def shown(path: Path | str) -> str:
    """Return a path as it is printed and stored: control characters and bytes escaped."""
    return escaped(str(path)).replace("\n", "\\n").replace("\t", "\\t")
