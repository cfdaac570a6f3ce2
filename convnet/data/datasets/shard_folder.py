"""The folder of a made data set: `dataset.json` and the files that it names (docs/data.md).

Everything that stands in the file is checked here, so that the readers can rely on it.
"""

import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from convnet.errors import DataError

MANIFEST, MEAN = "dataset.json", "mean.npy"
FORMAT, VERSION = "convnet shards", 1
SIDE, CHANNELS = 256, 3  # paper, section 2
MOST_CLASSES = 1_000_000
MOST_SHARDS = 100_000  # of a split: five digits
_LARGEST_MANIFEST = 256 << 20  # bytes; 22,000 classes and 2,000 shards take 3 MB


@dataclass(frozen=True)
class ShardFile:
    """One tar of images.  bytes: of the tar; sha256: of the tar and of its index, hexadecimal."""

    images: int
    bytes: int
    sha256: str
    index_sha256: str


@dataclass(frozen=True)
class Manifest:
    """What `dataset.json` says.

    name          of the data set
    ids, names    of the classes, in the order of the labels: WordNet ids (or folders), and words
    label_order   how that order was chosen, in words
    seed          of the order of the images
    jpeg          how the images are stored: quality and chroma
    shards        split -> its shards, in order
    eigenvalues   (3,) of the covariance of the training pixels' colours, largest first
    eigenvectors  (3, 3) rows of numbers; column i belongs to eigenvalue i
    mean_sha256   of the file of the mean image
    remarks       kind -> number of images that were converted or skipped for that reason
    made          what the set was made from and with; only for people
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
        return sum(shard.images for shard in self.shards[split])


def shard_name(split: str, number: int) -> str:
    return f"{split}-{number:05}.tar"


def index_name(split: str, number: int) -> str:
    """The index beside a shard: int64 (images, 3), offset, length and label of each JPEG."""
    return f"{split}-{number:05}.idx.npy"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Written last and in one step: a folder with this file is a whole data set."""
    stored = {"format": FORMAT, "version": VERSION, "side": SIDE} | asdict(manifest)
    ids, names = stored.pop("ids"), stored.pop("names")
    stored["classes"] = [{"id": i, "name": n} for i, n in zip(ids, names, strict=True)]
    partial = folder / f"{MANIFEST}.partial"
    partial.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """Checked; DataError."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{folder}: holds no {MANIFEST}, so it is no data set, or not yet a whole one"
        )
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise DataError(f"{path}: larger than {_LARGEST_MANIFEST >> 20} MiB, so no list of shards")
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise DataError(f"{path}: damaged, no JSON; make the data set again") from None
    return _Checks(path, stored).manifest()


def stored_array(path: Path, dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The array of a NumPy file, which must be of that type and shape; DataError.

    What the file says of its shape is compared before any memory is taken for it.
    """
    try:
        with open(path, "rb") as file:
            np.lib.format.read_magic(file)
            found = np.lib.format.read_array_header_1_0(file)
            if found == (shape, False, np.dtype(dtype)):
                return np.fromfile(file, dtype, math.prod(shape)).reshape(shape)
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None
    except ValueError:
        pass  # said below
    sizes = "x".join(map(str, shape))
    raise DataError(f"{path}: is no NumPy file of {sizes} {np.dtype(dtype)}; it is damaged")


class _Checks:
    """Turns the JSON into a Manifest, or says what is wrong with it."""

    def __init__(self, path, stored):
        self.path, self.stored = path, stored

    def manifest(self):
        self._version()
        classes = self._get(self.stored, "classes", list)
        if not 0 < len(classes) <= MOST_CLASSES:
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
            self._fail(f"is no list of a data set: its format is not {FORMAT!r}")
        version = self._get(self.stored, "version", int)
        if version != VERSION:
            self._fail(f"is of version {version}; this convnet reads version {VERSION}")
        if self._get(self.stored, "side", int) != SIDE:
            self._fail(f"has images that are not {SIDE} pixels high and wide")

    def _shards(self, split):
        shards = self._get(self._get(self.stored, "shards", dict), split, list)
        if not 0 < len(shards) <= MOST_SHARDS:
            self._fail(f"has {len(shards):,} {split} shards")
        return [self._shard(shard) for shard in shards]

    def _shard(self, shard):
        sizes = [self._get(shard, key, int) for key in ("images", "bytes")]
        if min(sizes) < 0 or max(sizes) >= 1 << 62:
            self._fail("has a shard of a size that cannot be")
        sums = [self._get(shard, key, str) for key in ("sha256", "index_sha256")]
        if not all(re.fullmatch("[0-9a-f]{64}", text) for text in sums):
            self._fail("has a checksum that is no SHA-256")
        return ShardFile(*sizes, *sums)

    def _vectors(self):
        rows = self._get(self.stored, "eigenvectors", list)
        if len(rows) != CHANNELS:
            self._fail(f"its eigenvectors are no {CHANNELS}x{CHANNELS} numbers")
        return [self._numbers(row) for row in rows]

    def _numbers(self, values):
        good = type(values) is list and len(values) == CHANNELS
        if not good or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
            self._fail(f"its eigenvalues or eigenvectors are no {CHANNELS} numbers")
        return [float(value) for value in values]

    def _get(self, holder, key, kind):
        value = holder.get(key) if type(holder) is dict else None
        if type(value) is not kind:
            self._fail(f"has no {key!r} of the kind that belongs there")
        return value

    def _fail(self, what):
        raise DataError(f"{self.path}: {what}; make the data set again, or take it from a copy")
