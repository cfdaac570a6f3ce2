"""The folder of a data set of shards: `dataset.json` and the files that it names (docs/data.md).

The contents of `dataset.json` are checked here, so that readers can rely on them.
"""

import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from convnet.errors import DataError
from convnet.stored.arrays import read_array

MANIFEST, MEAN = "dataset.json", "mean.npy"
FORMAT, VERSION = "convnet shards", 1
SIDE, CHANNELS = 256, 3  # paper, section 2
MAX_CLASSES = 1_000_000
MAX_SHARDS = 100_000  # of a split: five digits
_LARGEST_MANIFEST = 256 << 20  # bytes; 22,000 classes and 2,000 shards take 3 MB


@dataclass(frozen=True)
class ShardFile:
    """One tar of images.

    images        number of images
    bytes         size of the tar
    sha256        checksum of the tar, hexadecimal
    index_sha256  checksum of its index, hexadecimal
    """

    images: int
    bytes: int
    sha256: str
    index_sha256: str


@dataclass(frozen=True)
class Manifest:
    """The contents of `dataset.json`.

    name          of the data set
    ids, names    of the classes, in the order of the labels: WordNet ids (or folders), and words
    label_order   how that order was chosen, in words
    seed          of the order of the images
    jpeg          how the images are stored: quality and chroma
    shards        split -> its shards, in order
    eigenvalues   (3,) of the covariance of the training pixels' colors, largest first
    eigenvectors  (3, 3) rows of numbers; column i belongs to eigenvalue i
    mean_sha256   checksum of the file of the mean image
    remarks       kind -> number of images that were converted or skipped for that reason
    made          the options that the set was made with
    """

    name: str
    ids: list[str]
    names: list[str]
    label_order: str
    seed: int
    jpeg: dict
    shards: dict[str, list[ShardFile]]
    eigenvalues: list[float]
    eigenvectors: list[list[float]]
    mean_sha256: str
    remarks: dict[str, int] = field(default_factory=dict)
    made: dict = field(default_factory=dict)

    def images(self, split: str) -> int:
        """Return the number of images in a split."""
        return sum(shard.images for shard in self.shards[split])


def shard_name(split: str, number: int) -> str:
    """Return the file name of a shard."""
    return f"{split}-{number:05}.tar"


def index_name(split: str, number: int) -> str:
    """Return the file name of a shard's index: offset, length and label, int64 (images, 3)."""
    return f"{split}-{number:05}.idx.npy"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `dataset.json`, atomically; a folder with this file is a complete data set."""
    stored = {"format": FORMAT, "version": VERSION, "side": SIDE} | asdict(manifest)
    ids, names = stored.pop("ids"), stored.pop("names")
    stored["classes"] = [{"id": i, "name": n} for i, n in zip(ids, names, strict=True)]
    partial = folder / f"{MANIFEST}.partial"
    partial.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """Read and check `dataset.json`; DataError if it is missing or damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{folder}: has no {MANIFEST}, so it is not a data set, or not yet a complete one"
        )
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise DataError(
            f"{path}: is larger than {_LARGEST_MANIFEST >> 20} MiB, so not a list of shards"
        )
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise DataError(f"{path}: is damaged: not JSON; make the data set again") from None
    return _Checks(path, stored).manifest()


def stored_array(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> np.ndarray:
    """Load a NumPy file of that type and shape; DataError if it has another or cannot be read."""
    advice = "restore it from a copy, or make the data set again"
    return read_array(path, dtype, shape, advice=advice)


class _Checks:
    """Converts the JSON to a Manifest; DataError with what is wrong with it."""

    def __init__(self, path, stored):
        self.path, self.stored = path, stored

    def manifest(self):
        self._version()
        classes = self._get(self.stored, "classes", list)
        if not 0 < len(classes) <= MAX_CLASSES:
            self._fail(f"has {len(classes):,} classes")
        return Manifest(
            name=self._get(self.stored, "name", str),
            ids=[self._get(one, "id", str) for one in classes],
            names=[self._get(one, "name", str) for one in classes],
            label_order=self._get(self.stored, "label_order", str),
            seed=self._get(self.stored, "seed", int),
            jpeg=self._get(self.stored, "jpeg", dict),
            shards={split: self._shards(split) for split in ("train", "test")},
            eigenvalues=self._numbers(self._get(self.stored, "eigenvalues", list)),
            eigenvectors=self._vectors(),
            mean_sha256=self._get(self.stored, "mean_sha256", str),
            remarks=self._get(self.stored, "remarks", dict),
            made=self._get(self.stored, "made", dict),
        )

    def _version(self):
        if type(self.stored) is not dict or self.stored.get("format") != FORMAT:
            self._fail(f"does not describe a data set: its format is not {FORMAT!r}")
        version = self._get(self.stored, "version", int)
        if version != VERSION:
            self._fail(f"has version {version}; this convnet reads version {VERSION}")
        if self._get(self.stored, "side", int) != SIDE:
            self._fail(f"has images that are not {SIDE} pixels high and wide")

    def _shards(self, split):
        shards = self._get(self._get(self.stored, "shards", dict), split, list)
        if not 0 < len(shards) <= MAX_SHARDS:
            self._fail(f"has {len(shards):,} {split} shards")
        return [self._shard(shard) for shard in shards]

    def _shard(self, shard):
        sizes = [self._get(shard, key, int) for key in ("images", "bytes")]
        if min(sizes) < 0 or max(sizes) >= 1 << 62:
            self._fail("has a shard of an impossible size")
        sums = [self._get(shard, key, str) for key in ("sha256", "index_sha256")]
        if not all(re.fullmatch("[0-9a-f]{64}", text) for text in sums):
            self._fail("has a checksum that is not a SHA-256")
        return ShardFile(*sizes, *sums)

    def _vectors(self):
        rows = self._get(self.stored, "eigenvectors", list)
        if len(rows) != CHANNELS:
            self._fail(f"its eigenvectors are not {CHANNELS}x{CHANNELS} numbers")
        return [self._numbers(row) for row in rows]

    def _numbers(self, values):
        good = type(values) is list and len(values) == CHANNELS
        if not good or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
            self._fail(f"its eigenvalues or eigenvectors are not {CHANNELS} numbers")
        return [float(value) for value in values]

    def _get(self, holder, key, kind):
        value = holder.get(key) if type(holder) is dict else None
        if type(value) is not kind:
            self._fail(f"has no {key!r}, or one of the wrong type")
        return value

    def _fail(self, what):
        raise DataError(f"{self.path}: {what}; make the data set again, or restore it from a copy")
