"""A data set made by `convnet make-data`: JPEG images in tar files (docs/data.md).

Any image is one read at a known offset, so any process can make minibatches in any order.
"""

from functools import cached_property
from pathlib import Path

import numpy as np

from convnet.data import counter_rng
from convnet.data.byte_range import UNKNOWN_CRC, read_byte_range
from convnet.data.dataset import Indices, check_split
from convnet.data.datasets.shard_folder import (
    CHANNELS,
    LARGEST_IMAGE,
    MEAN,
    ShardFile,
    checked_array,
    file_size,
    index_name,
    read_manifest,
    shard_name,
)
from convnet.data.encoded import EncodedDataset
from convnet.data.labels import checked_labels
from convnet.errors import DataError

_HEADER = 512  # bytes of a tar member's header


class Shards(EncodedDataset):
    """A folder of shards; only their indices are kept in memory.

    It holds no open files and no locks, so all threads can share one object.  A pickled object is
    the name of the folder, which unpickling opens again.  Opening compares the checksums of the
    indices and of the mean image, and the sizes of the shards, with the manifest; each image is
    compared with its CRC-32 when it is read, except in sets of version 1, which have none.

    wnids     the classes' WordNet ids (or folders), in the order of the labels
    manifest  the contents of `dataset.json`
    """

    channels = CHANNELS
    other_sizes = "`convnet make-data --size` makes sets of another size"

    def __init__(self, folder: str | Path, name: str | None = None):
        self.folder = Path(folder)
        self.name = name or str(folder)
        self.manifest = read_manifest(self.folder)
        self.side = self.manifest.side
        self.class_names = tuple(self.manifest.names)
        self.wnids = tuple(self.manifest.ids)
        self._splits = {split: self._read_split(split) for split in ("train", "test")}
        sha256, shape = self.manifest.mean_sha256, (CHANNELS, self.side, self.side)
        self._mean = checked_array(self.folder / MEAN, sha256, np.float32, shape)
        self._mean.flags.writeable = False

    def __reduce__(self):
        return type(self), (str(self.folder), self.name)

    def count(self, split: str) -> int:
        check_split(split)
        return len(self._splits[split].labels)

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        return self._splits[split].labels[indices].astype(np.int64)

    @cached_property
    def files(self) -> list[Path]:
        return [path for split in self._splits.values() for path in split.paths]

    def places(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        files_before = 0 if split == "train" else len(self._splits["train"].paths)
        places = self._splits[split].places(np.asarray(indices, np.int64))
        return places + [files_before, 0, 0, 0]

    def where(self, split: str, index: int) -> str:
        """Return the shard and key of an image, for messages."""
        check_split(split)
        return self._splits[split].where(int(index))

    def epoch_order(self, split: str, seed: int, epoch: int) -> np.ndarray:
        """Return the indices of a split, int64 (count,), in an order that disks read fast.

        The shards are in random order, and so are the images within each shard.  (A shard is itself
        a random part of the set.)  A pure function of the arguments.
        """
        check_split(split)
        shard_of = self._splits[split].shard_of
        use = seed, counter_rng.ORDER, epoch
        rank = np.argsort(counter_rng.order(len(self.manifest.shards[split]), *use, 0))
        keys = counter_rng.bits(*use, 1, np.arange(len(shard_of)))
        return np.lexsort((keys, rank[shard_of]))

    def mean_image(self) -> np.ndarray:
        return self._mean

    @cached_property
    def color_pca(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations and eigenvectors (in columns) of all training pixels' colors."""
        values = np.maximum(self.manifest.eigenvalues, 0)
        return np.sqrt(values), np.array(self.manifest.eigenvectors)

    def _read_split(self, split):
        tables, shards = [], self.manifest.shards[split]
        paths = [self.folder / shard_name(split, number) for number in range(len(shards))]
        for number, (path, shard) in enumerate(zip(paths, shards, strict=True)):
            _check_size(path, shard)
            index = self.folder / index_name(split, number)
            shape = shard.images, self.manifest.columns
            table = checked_array(index, shard.index_sha256, np.int64, shape)
            tables.append(_checked(index, table, shard, self.classes))
        return _Split(paths, tables)


class _Split:
    """The byte ranges and labels of the images of a split.  All arrays are (images,)."""

    def __init__(self, paths, tables):
        self.paths = paths
        self._offsets = np.concatenate([table[:, 0] for table in tables])
        self._lengths = np.concatenate([table[:, 1].astype(np.int32) for table in tables])
        self.labels = np.concatenate([table[:, 2].astype(np.int32) for table in tables])
        self._crcs = np.concatenate([_crcs(table) for table in tables])
        sizes = [len(table) for table in tables]
        self.shard_of = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)

    def places(self, indices):
        columns = self.shard_of, self._offsets, self._lengths, self._crcs
        return np.stack([column[indices].astype(np.int64) for column in columns], axis=1)

    def where(self, index):
        path, offset = self.paths[self.shard_of[index]], int(self._offsets[index])
        header = read_byte_range(path, offset - _HEADER, _HEADER)
        key = header[:100].split(b"\0")[0].decode("ascii", "replace")
        return f"{path}: {key!a} at byte {offset:,}"


def _crcs(table):
    """Return the CRC-32 of each image; those of a set of version 1 are unknown."""
    return table[:, 3] if table.shape[1] > 3 else np.full(len(table), UNKNOWN_CRC, np.int64)


def _check_size(path: Path, shard: ShardFile) -> None:
    """Raise a DataError if a tar is missing or has another size than when it was written."""
    try:
        size = file_size(path)
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None
    if size != shard.bytes:
        raise DataError(
            f"{path}: has {size:,} bytes, not the {shard.bytes:,} that it was written with; "
            "restore it from a copy, or make the data set again"
        )


def _checked(path, table, shard, classes):
    """Return a shard's index; DataError if it exceeds the shard's bytes or the set's labels."""
    offsets, lengths, labels = table.T[:3]
    inside = (offsets >= _HEADER) & (lengths > 0) & (lengths <= LARGEST_IMAGE)
    inside &= (offsets <= shard.bytes) & (offsets + lengths <= shard.bytes)
    if not inside.all():
        raise DataError(f"{path}: points outside its shard; it is damaged")
    checked_labels(path, labels, classes)
    return table
