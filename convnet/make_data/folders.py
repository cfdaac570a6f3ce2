"""Looks through a folder: one folder, or one tar, for each class of images."""

import os
from pathlib import Path

from convnet.make_data import archives
from convnet.make_data.listing import Entry, Found


def look_through(folder: Path, found: Found) -> None:
    """Adds what lies in `folder`: a class for each folder in it, with all that is below, and for
    each tar in it; images beside them belong to no class.

    Links to files, and links among the classes, are followed, as they are the user's own;
    links to folders further down are not.
    """
    source = len(found.sources)
    found.sources.append(folder)
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        if item.name.startswith("."):
            continue
        if item.is_dir():
            for path in _files_below(Path(item)):
                name = f"{item.name}/{path.relative_to(item).as_posix()}"
                found.add(Entry(item.name, name, source, 0, path.stat().st_size))
        elif item.name.lower().endswith(".tar"):
            archives.look_through(Path(item), found, Path(item).stem)
        elif item.is_file():
            found.add(Entry(None, item.name, source, 0, item.stat().st_size))


def _files_below(folder):
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(place, file) for file in sorted(files) if Path(place, file).is_file())
