"""Reads the development kit of ILSVRC 2010 or 2012: the synsets, and the validation labels.

`data/meta.mat` has a structure for each synset: ILSVRC2012_ID (1 to 1,000 for those that are
classes, which have num_children = 0), WNID, words, num_train_images, ...  Line i of
`data/ILSVRC2012_validation_ground_truth.txt` is the id of validation image i.
"""

import gzip
import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from convnet.errors import DataError
from convnet.make_data.mat_file import Unreadable, read_table
from convnet.stored.archives import Damaged, unpacking
from convnet.stored.files import check_regular, open_regular, read_regular
from convnet.stored.tars import is_ordinary, members

_LARGEST_KIT = 512 << 20  # bytes unpacked; the kit of 2012 has 3 MB
_LARGEST_FILE = 64 << 20
_META, _TRUTH = r"(.*/)?meta\.mat", r"(.*/)?ILSVRC\d{4}_validation_ground_truth\.txt"
_FILES = {"meta": _META, "truth": _TRUTH}
_ID = re.compile(r"ILSVRC\d{4}_ID")


@dataclass(frozen=True)
class Synset:
    """A class.

    number  its id in the challenge, from 1
    wnid    its WordNet id
    words   its name
    images  number of its training images; None if the kit does not state it
    """

    number: int
    wnid: str
    words: str
    images: int | None


@dataclass(frozen=True)
class Devkit:
    """A development kit.

    path     of the kit
    synsets  the classes, by their number
    truth    the number of the class of each validation image, in order; None if the kit has none
    """

    path: Path
    synsets: list[Synset]
    truth: list[int] | None


def read_devkit(path: Path) -> Devkit:
    """Read the kit as published (a tar, compressed or not) or unpacked; DataError if damaged."""
    try:
        contents = _from_folder(path) if path.is_dir() else _from_archive(path)
    except OSError as problem:
        name = problem.filename or path
        raise DataError(f"{name}: cannot be read: {problem.strerror}") from None
    if "meta" not in contents:
        raise DataError(f"{path}: has no data/meta.mat; is it a development kit of ILSVRC?")
    try:
        synsets = _synsets(read_table(contents["meta"], "synsets"))
    except Unreadable as problem:
        raise DataError(f"{path}: its meta.mat is unreadable: {problem}") from None
    truth = contents.get("truth")
    return Devkit(path, synsets, None if truth is None else numbers(path, truth, len(synsets)))


def read_truth(path: Path, classes: int) -> list[int]:
    """Read a file of ground truth: one class number a line, from 1 to `classes`.  DataError."""
    try:
        return numbers(path, read_regular(path, _LARGEST_FILE), classes)
    except OSError as problem:
        raise DataError(f"{path}: cannot be read as a ground truth: {problem.strerror}") from None


def numbers(path: Path, text: bytes, classes: int) -> list[int]:
    """Parse a ground truth, as in `read_truth`."""
    lines = text.split()
    for place, line in enumerate(lines, 1):
        if not re.fullmatch(rb"\d{1,7}", line) or not 1 <= int(line) <= classes:
            raise DataError(
                f"{path}: number {place} of its ground truth is {line[:20]!a}, "
                f"not one of the classes 1 to {classes:,}"
            )
    return [int(line) for line in lines]


def _from_folder(folder):
    contents = {}
    for place in (folder, folder / "data"):
        for file in sorted(place.glob("*")):
            key = _key(file.name)
            if key and check_regular(file).st_size <= _LARGEST_FILE:
                contents[key] = read_regular(file, _LARGEST_FILE)
    return contents


def _from_archive(path):
    """Return the contents of the two files that are used, from a tar, compressed by gzip or not."""
    contents = {}
    with open_regular(path) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        source = gzip.GzipFile(fileobj=file) if packed else file
        size = _LARGEST_KIT if packed else os.fstat(file.fileno()).st_size
        try:
            for member in members(partial(_read_at, source), size):
                key = _key(member.name)
                if key and is_ordinary(member) and member.size <= _LARGEST_FILE:
                    contents[key] = _read_at(source, member.size, member.offset_data)
                    if len(contents[key]) < member.size:
                        raise Damaged(f"unexpected end of data at {member.name!a}")
        except Damaged as problem:
            raise DataError(
                f"{path}: is not a complete archive of a development kit: {problem}"
            ) from None
    return contents


def _read_at(source, size, offset):
    """Return bytes of a file that may be decompressed as it is read; offsets seldom go back."""
    if offset > _LARGEST_KIT:
        raise Damaged(f"more than {_LARGEST_KIT >> 20} MiB")
    with unpacking():
        source.seek(offset)
        return source.read(size)


def _key(name):
    """Return which of the two files a name is; None for every other file."""
    return next((key for key, pattern in _FILES.items() if re.fullmatch(pattern, name)), None)


def _synsets(table):
    """Return the rows of the table that are classes, in the order of their numbers."""
    key = next((field for field in table[0] if _ID.fullmatch(field)), None) if table else None
    if key is None:
        raise Unreadable("its synsets have no ILSVRC<year>_ID")
    leaves = [row for row in table if _number(row, "num_children") == 0]
    synsets = [
        Synset(
            _number(row, key),
            _text(row, "WNID"),
            _text(row, "words"),
            _number(row, "num_train_images") if "num_train_images" in row else None,
        )
        for row in leaves
    ]
    synsets.sort(key=lambda synset: synset.number)
    if [synset.number for synset in synsets] != list(range(1, len(synsets) + 1)):
        raise Unreadable("its synsets without children are not numbered 1, 2, 3, ...")
    return synsets


def _number(row, field):
    value = row.get(field)
    if type(value) is not tuple or len(value) != 1 or value[0] != value[0] // 1:
        raise Unreadable(f"a synset whose {field} is not an integer")
    return int(value[0])


def _text(row, field):
    value = row.get(field)
    if type(value) is not str or not value.isprintable():
        raise Unreadable(f"a synset whose {field} is not printable text")
    return value
