"""The state of a run, stored after each shard, so that the next run continues after it."""

import json
from pathlib import Path

import msgspec
import numpy as np

from convnet.data.datasets.shard_folder import (
    ShardFile,
    index_name,
    sha256_of,
    shard_name,
    stored_array,
)
from convnet.data.pictures.sums import Sums
from convnet.errors import DataError
from convnet.make_data.plan import Remark, read_record
from convnet.make_data.shard_writer import write_array, write_text

MAKING = "making"  # the folder of what is needed until the set is complete
_HEAD = 1 + 1 + 9  # what is stored before the sums of pixels: finished shards, images, products


class _Record(msgspec.Struct, frozen=True):
    """What is stored about a finished shard: sizes and checksums, and remarks on its images."""

    shard: ShardFile
    remarks: list[Remark]


class State:
    """What is finished, from the folder of a data set.

    planned   (split, number) of all shards, in the order in which they are written
    side      of the images, pixels
    shards    the finished ones
    remarks   (split, name, "converted" or "skipped", why) of images in them
    sums      over the training images in them
    """

    def __init__(self, folder: Path, planned: list[tuple[str, int]], side: int):
        self._folder, self.planned = folder, planned
        self._file = folder / MAKING / "state.npy"
        self.shards, self.remarks, self.sums = [], [], Sums(side)
        if self._file.exists():
            vector = stored_array(self._file, np.int64, (_HEAD + 3 * side**2,))
            finished, self.sums = _from_vector(vector, side)
            if not 0 <= finished <= len(planned):
                self._fail(self._file)
            for split, number in planned[:finished]:
                self._read(split, number)

    @property
    def finished(self) -> int:
        """The number of finished shards."""
        return len(self.shards)

    def add(self, shard: ShardFile, remarks: list[Remark], sums: Sums | None) -> None:
        """Record that the next shard is finished; sums: over its training images, if any."""
        record = json.dumps(msgspec.to_builtins(_Record(shard, remarks)))
        write_text(self._record(*self.planned[self.finished]), record)
        self.shards.append(shard)
        self.remarks += remarks
        if sums:
            self.sums.merge(sums)
        write_array(
            self._file, _as_vector(self.finished, self.sums)
        )  # which makes the shard count as finished

    def _read(self, split, number):
        record = read_record(self._record(split, number), _Record, self._folder)
        tar, index = (self._folder / name(split, number) for name in (shard_name, index_name))
        if not tar.is_file() or tar.stat().st_size != record.shard.bytes:
            self._fail(tar)
        if not index.is_file() or sha256_of(index) != record.shard.index_sha256:
            self._fail(index)
        self.shards.append(record.shard)
        self.remarks += record.remarks

    def _fail(self, path):
        raise DataError(f"{path}: is not as it was written; delete {self._folder} and start again")

    def _record(self, split, number):
        return self._folder / MAKING / f"{split}-{number:05}.json"


def _as_vector(finished, sums):
    head = [finished, sums.images, *sums.products.flat]
    return np.concatenate([np.array(head, np.int64), sums.pixels.ravel()])


def _from_vector(vector, side):
    sums = Sums(side)
    sums.images = int(vector[1])
    sums.products = vector[2:11].reshape(3, 3)
    sums.pixels = vector[_HEAD:].reshape(side, side, 3)
    return int(vector[0]), sums
