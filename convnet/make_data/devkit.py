"""Reads the development kit of ILSVRC 2010 or 2012: the synsets, and the validation labels.

`data/meta.mat` has a structure for each synset: ILSVRC2012_ID (1 to 1,000 for those that are
classes, which have num_children = 0), WNID, words, num_train_images, ...  Line i of
`data/ILSVRC2012_validation_ground_truth.txt` is the id of validation image i.
"""

import gzip
import re
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from convnet.errors import DataError
from convnet.make_data.mat_file import Unreadable, read_table

_LARGEST_KIT = 512 << 20  # bytes unpacked; the kit of 2012 has 3 MB
_LARGEST_FILE = 64 << 20
_META, _TRUTH = r"(.*/)?meta\.mat", r"(.*/)?ILSVRC\d{4}_validation_ground_truth\.txt"
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
    contents = _from_folder(path) if path.is_dir() else _from_archive(path)
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
    if path.stat().st_size > _LARGEST_FILE:
        raise DataError(f"{path}: is larger than {_LARGEST_FILE >> 20} MiB, so not a ground truth")
    return numbers(path, path.read_bytes(), classes)


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
    files = [file for place in (folder, folder / "data") for file in sorted(place.glob("*"))]
    return _contents_of((file.name, file.stat().st_size, file.read_bytes) for file in files)


def _from_archive(path):
    try:
        with _Limited(path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
            members = (member for member in tar if member.type in tarfile.REGULAR_TYPES)
            return _contents_of(
                (m.name, m.size, lambda m=m: tar.extractfile(m).read()) for m in members
            )
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise DataError(
            f"{path}: is not a complete archive of a development kit: {problem}"
        ) from None


def _contents_of(files):
    """Return the contents of the two files that are used; files: (name, bytes, read function)."""
    contents = {}
    for name, size, read in files:
        for key, pattern in (("meta", _META), ("truth", _TRUTH)):
            if re.fullmatch(pattern, name) and size <= _LARGEST_FILE:
                contents[key] = read()
    return contents


class _Limited:
    """The bytes of a file, decompressed if it is a gzip file; no more than a kit can have."""

    def __init__(self, path):
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        self._file, self._left = (gzip.open if packed else open)(path, "rb"), _LARGEST_KIT

    def read(self, size):
        self._left -= size
        if self._left < 0:
            raise tarfile.ReadError(f"more than {_LARGEST_KIT >> 20} MiB")
        return self._file.read(size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


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
