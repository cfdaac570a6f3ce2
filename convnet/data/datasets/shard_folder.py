"""The folder of a data set of shards: `dataset.json` and the files that it names (docs/data.md).

The contents of `dataset.json` are checked here, so that readers can rely on them, and so is each
file whose checksum it holds.
"""

import hashlib
import json
import math
import os
import stat
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike

from convnet.data.pictures.square import LARGEST_SIDE, SIDE
from convnet.display import quoted
from convnet.errors import DataError
from convnet.stored.arrays import read_array
from convnet.stored.files import open_regular, replacing
from convnet.stored.records import from_json, from_objects

MANIFEST, MEAN = "dataset.json", "mean.npy"
FORMAT, VERSION = "convnet shards", 2
CHANNELS = 3
MAX_CLASSES = 1_000_000
MAX_SHARDS = 100_000  # of a split: five digits
LARGEST_MANIFEST = 64 << 20  # bytes; 22,000 classes and 2,000 shards take 3 MB
# The columns of an index, by the version of the format: offset, length, label, and from version 2
# on the CRC-32 of the JPEG.
INDEX_COLUMNS = {1: 3, 2: 4}
_CHECKSUM = "checksum"  # the field of `dataset.json` for the checksum of all others
LARGEST_IMAGE = 16 << 20  # bytes; the largest square without compression takes 12 MB
_LARGEST_HEADER = 4096  # bytes before the numbers of a NumPy file of ours
_REPAIR = "restore it from a copy, or make the data set again"

Text = Annotated[str, msgspec.Meta(max_length=100_000)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Size = Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]
Side = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_SIDE)]
Finite = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]
Triple = Annotated[list[Finite], msgspec.Meta(min_length=CHANNELS, max_length=CHANNELS)]


class ShardFile(msgspec.Struct, frozen=True):
    """One tar of images.

    images        number of images
    bytes         size of the tar
    sha256        checksum of the tar, hexadecimal
    index_sha256  checksum of its index, hexadecimal
    """

    images: Size
    bytes: Size
    sha256: Sha256
    index_sha256: Sha256


ShardFiles = Annotated[list[ShardFile], msgspec.Meta(min_length=1, max_length=MAX_SHARDS)]


class ClassRecord(msgspec.Struct, frozen=True):
    """A class: its WordNet id (or folder), and its name in words."""

    id: Text
    name: Text


class SplitFiles(msgspec.Struct, frozen=True):
    """The shards of each split, in order."""

    train: ShardFiles
    test: ShardFiles


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of `dataset.json`.

    version       of the format: a key of `INDEX_COLUMNS`
    side          height and width of the images, pixels
    name          of the data set
    classes       in the order of the labels
    label_order   how that order was chosen, in words
    seed          of the order of the images
    jpeg          how the images are stored: quality and chroma
    files         the shards of each split
    eigenvalues   (3,) of the covariance of the training pixels' colors, largest first
    eigenvectors  (3, 3) rows of numbers; column i belongs to eigenvalue i
    mean_sha256   checksum of the file of the mean image
    remarks       kind -> number of images that were converted or skipped for that reason
    made          the options that the set was made with
    """

    format: str = FORMAT
    version: int = VERSION
    side: Side = SIDE
    name: Text
    label_order: Text
    seed: Annotated[int, msgspec.Meta(ge=0)]
    jpeg: dict[str, int | Text]
    files: SplitFiles = msgspec.field(name="shards")
    eigenvalues: Triple
    eigenvectors: Annotated[list[Triple], msgspec.Meta(min_length=CHANNELS, max_length=CHANNELS)]
    mean_sha256: Sha256
    remarks: dict[Text, Size] = {}
    made: dict[Text, int | float | Text | None] = {}
    classes: Annotated[list[ClassRecord], msgspec.Meta(min_length=1, max_length=MAX_CLASSES)]

    @property
    def ids(self) -> list[str]:
        """The WordNet ids (or folders) of the classes, in the order of the labels."""
        return [one.id for one in self.classes]

    @property
    def names(self) -> list[str]:
        """The names of the classes, in the order of the labels."""
        return [one.name for one in self.classes]

    @property
    def shards(self) -> dict[str, list[ShardFile]]:
        """Split -> its shards, in order."""
        return {"train": self.files.train, "test": self.files.test}

    @property
    def columns(self) -> int:
        """The number of columns of an index."""
        return INDEX_COLUMNS[self.version]

    def images(self, split: str) -> int:
        """Return the number of images in a split."""
        return sum(shard.images for shard in self.shards[split])


class _Head(msgspec.Struct):
    """What is read before all else: another version may have other fields."""

    format: str
    version: int
    side: int
    checksum: Sha256 | None = None

    def problem(self) -> str | None:
        """Return why this program cannot read such a set; None if it can."""
        if self.format != FORMAT:
            return (
                f"does not describe a data set: its format is {quoted(self.format)}, not {FORMAT!r}"
            )
        if self.version not in INDEX_COLUMNS:
            return f"has version {self.version}; this convnet reads versions 1 and {VERSION}"
        if not 1 <= self.side <= LARGEST_SIDE:
            return f"has images of {self.side} pixels, not of 1 to {LARGEST_SIDE} high and wide"
        return None


def shard_name(split: str, number: int) -> str:
    """Return the file name of a shard."""
    return f"{split}-{number:05}.tar"


def index_name(split: str, number: int) -> str:
    """Return the file name of a shard's index, int64 (images, columns): see `INDEX_COLUMNS`."""
    return f"{split}-{number:05}.idx.npy"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `dataset.json`, atomically; a folder with this file is a complete data set."""
    stored = msgspec.to_builtins(manifest)
    stored[_CHECKSUM] = _checksum(stored)
    with replacing(folder / MANIFEST) as path:
        text = json.dumps(stored, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read and check `dataset.json`; DataError if it is missing or damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{folder}: has no {MANIFEST}, so it is not a data set, or not yet a complete one"
        )
    if path.stat().st_size > LARGEST_MANIFEST:
        raise DataError(
            f"{path}: is larger than {LARGEST_MANIFEST >> 20} MiB, so not a list of shards"
        )
    try:
        stored = from_json(path.read_bytes(), dict[str, Any], path)
        head = from_objects(stored, _Head, path)
        if head.problem():
            raise DataError(f"{path}: {head.problem()}")
        manifest = from_objects(stored, Manifest, path)
        if head.version > 1 and _checksum(stored) != head.checksum:
            raise DataError(
                f"{path}: was changed since it was written: its checksum is {_checksum(stored)}, "
                f"not the {head.checksum} that it states"
            )
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None
    except DataError as problem:
        raise DataError(f"{problem}; {_REPAIR}") from None
    return manifest


def _checksum(stored: dict[str, Any]) -> str:
    """Return the SHA-256 of all fields but the checksum itself, whatever the file's layout."""
    rest = {key: value for key, value in stored.items() if key != _CHECKSUM}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def checked_array(path: Path, sha256: str, dtype: DTypeLike, shape: tuple[int, ...]) -> np.ndarray:
    """Load a NumPy file, as `stored_array` does; DataError if its checksum is another one, too."""
    limit = math.prod(shape) * np.dtype(dtype).itemsize + _LARGEST_HEADER
    try:
        size = file_size(path)
        if size > limit:
            raise DataError(
                f"{path}: has {size:,} bytes, not the at most {limit:,} of "
                f"{_shown(dtype, shape)}; {_REPAIR}"
            )
        found = sha256_of(path)
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None
    if found != sha256:
        raise DataError(
            f"{path}: is not as it was written: its SHA-256 is {found}, not the {sha256} in "
            f"{MANIFEST}; {_REPAIR}"
        )
    return stored_array(path, dtype, shape)


def file_size(path: Path) -> int:
    """Return the bytes of an ordinary file.  DataError for another kind of file.  OSError."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path}: is not an ordinary file; {_REPAIR}")
    return status.st_size


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal.  OSError."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored_array(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> np.ndarray:
    """Load a NumPy file of that type and shape; DataError if it has another or cannot be read."""
    advice = "restore it from a copy, or make the data set again"
    return read_array(path, dtype, shape, advice=advice)


def _shown(dtype, shape):
    return f"{'x'.join(map(str, shape))} {np.dtype(dtype)}"
