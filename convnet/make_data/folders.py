"""Lists the images of a folder that has one folder, or one tar, per class."""

import os
from pathlib import Path

from convnet.make_data.archives import scan_archive
from convnet.make_data.listing import Entry, Listing


def scan_folder(folder: Path, listing: Listing) -> None:
    """Add the images in `folder`: each folder in it, with all below, and each tar is a class.

    Images beside these belong to no class.  Links to files and links among the classes are
    followed, as they are the user's own; links to folders further down are not.  DataError for a
    damaged tar.
    """
    source = len(listing.sources)
    listing.sources.append(folder)
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        if item.name.startswith("."):
            continue
        if item.is_dir():
            for path in _files_below(Path(item)):
                name = f"{item.name}/{path.relative_to(item).as_posix()}"
                listing.add(Entry(item.name, name, source, 0, path.stat().st_size))
        elif item.name.lower().endswith(".tar"):
            scan_archive(Path(item), listing, Path(item).stem)
        elif item.is_file():
            listing.add(Entry(None, item.name, source, 0, item.stat().st_size))


def _files_below(folder):
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(place, file) for file in sorted(files) if Path(place, file).is_file())
