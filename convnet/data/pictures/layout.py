"""Finds the training and the test pictures of a folder, and lists them."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from convnet.data.pictures.folders import scan_folder
from convnet.data.pictures.image_files import HEAD, is_image, named_as_image
from convnet.data.pictures.leftovers import is_leftover
from convnet.data.pictures.listing import EMPTY, Entry, Listing
from convnet.display import harmless, quoted
from convnet.errors import DataError
from convnet.progress import reported
from convnet.stored.files import open_regular

EXPECTED = (
    "a folder of pictures has a folder for each class, photos/cat/1.jpg and photos/dog/2.jpg, or "
    "train/ and val/ (or test/) that have them"
)
_DEEPEST = 4  # folders within folders that are looked into for a first picture
# Folders of splits, by their names in lower case; of several the first one is used.
_TRAIN = ("train", "training")
_TEST = ("val", "valid", "validation", "test", "testing")
LOOSE = "beside the folders of the classes"  # the remark on a picture that has no class


@dataclass(frozen=True)
class Listed:
    """The pictures of a folder.

    train, test  pictures with a class, sorted by class and name; test is None if there is no folder
                 of test pictures
    listing      what was found besides, and when each picture was modified
    unused       folders that would be test pictures too, but are not used
    """

    train: list[Entry]
    test: list[Entry] | None
    listing: Listing
    unused: tuple[str, ...] = ()

    @property
    def classes(self) -> list[str]:
        """The names of the folders that have training pictures, sorted."""
        return sorted({entry.wnid for entry in self.train if entry.wnid})


def has_pictures(folder: Path | str, depth: int = _DEEPEST) -> bool:
    """Return whether there is a picture in a folder, or in folders in it."""
    try:
        with os.scandir(folder) as entries:
            found = [e for e in entries if not is_leftover([e.name], e.is_dir())]
    except OSError:  # reported when the folder is listed
        return False
    below = (entry.path for entry in found if depth and entry.is_dir())
    return any(map(_is_picture, found)) or any(has_pictures(path, depth - 1) for path in below)


def _is_picture(entry: os.DirEntry[str]) -> bool:
    if named_as_image(entry.name) or not entry.is_file():
        return named_as_image(entry.name)
    with suppress(OSError), open_regular(entry.path) as file:
        return is_image(file.read(HEAD))
    return False


def list_pictures(folder: Path, name: str) -> Listed:
    """Return the pictures of a folder; name: what messages call it.

    DataError if there are no pictures in folders of classes.  OSError if it cannot be read.
    """
    listing = Listing(times={})
    train, test, unused = _parts(folder)
    with reported(f"listing the pictures of {harmless(name)}", unit="pictures") as report:
        listing.on_found = report.reach
        found = _scan(train, listing)
        tests = None if test is None else _scan(test, listing)
    listed = Listed(found, tests, listing, unused)
    _refuse_strange(listed, name, train)
    return listed


def _scan(folder: Path, listing: Listing) -> list[Entry]:
    """Return the pictures with a class, sorted; those without are named in the listing."""
    start = len(listing.entries)
    scan_folder(folder, listing)
    found, listing.entries[start:] = listing.entries[start:], []
    for entry in found:
        if entry.wnid is None:
            listing.pass_over(entry.name, LOOSE)
    return sorted((entry for entry in found if entry.wnid is not None), key=_by_class)


def _by_class(entry: Entry) -> tuple[str, str]:
    return entry.wnid or "", entry.name


def _parts(folder: Path) -> tuple[Path, Path | None, tuple[str, ...]]:
    """Return the folders of training and test pictures, and names of folders that are not used.

    A folder `train` is one of training pictures if it has folders itself and all folders beside it
    are of test pictures; otherwise it is a class.
    """
    names = sorted(entry.name for entry in _folders(folder))
    of_split = {name.casefold(): name for name in names}
    train = next((of_split[name] for name in _TRAIN if name in of_split), None)
    tests = [of_split[name] for name in _TEST if name in of_split]
    if train is None or {train, *tests} != {*names} or not _folders(folder / train):
        return folder, None, ()
    test = folder / tests[0] if tests else None
    return folder / train, test, tuple(tests[1:])


def _folders(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [e for e in entries if e.is_dir() and not is_leftover([e.name], True)]


def _refuse_strange(listed: Listed, name: str, train: Path) -> None:
    """Raise a DataError if there are no two classes, or test pictures of other classes."""
    shown, classes = harmless(name), listed.classes
    loose = sum(why == LOOSE for _, why in listed.listing.passed_over)
    if not classes:
        what = f"holds {loose:,} pictures, but no folders of them" if loose else "holds no pictures"
        raise DataError(f"{shown}: {what}; {EXPECTED}")
    if len(classes) == 1:
        empty = [what for what, why in listed.listing.passed_over if why == EMPTY]
        others = f" ({quoted(empty[0])} has none)" if empty else ""
        raise DataError(
            f"{shown}: has pictures of one class only, {quoted(classes[0])}{others}; {EXPECTED}"
        )
    strange = sorted({entry.wnid or "" for entry in listed.test or ()} - {*classes})
    if strange:
        more = f" (and {len(strange) - 1:,} others)" if len(strange) > 1 else ""
        raise DataError(
            f"{shown}: there are test pictures of {quoted(strange[0])}{more}, but no training "
            f"pictures in {harmless(str(train / strange[0]))}; each class needs some"
        )
    if listed.test is not None and not listed.test:
        raise DataError(f"{shown}: its folder of test pictures holds none; {EXPECTED}")
