"""The state of a run, stored after each shard, so that the next run continues after it."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from convnet.data.datasets.shard_folder import SIDE, ShardFile, shard_name, stored_array
from convnet.errors import DataError
from convnet.make_data.shard_writer import write_array
from convnet.make_data.sums import Sums

MAKING = "making"  # the folder of what is needed until the set is complete
_VECTOR = (1 + 1 + 9 + SIDE * SIDE * 3,)  # finished shards, and `Sums` as one array


class State:
    """What is finished, from the folder of a data set.

    planned   (split, number) of all shards, in the order in which they are written
    shards    the finished ones
    remarks   [split, name, "converted" or "skipped", why] of images in them
    sums      over the training images in them
    """

    def __init__(self, folder: Path, planned: list[tuple[str, int]]):
        self._folder, self.planned = folder, planned
        self._file = folder / MAKING / "state.npy"
        self.shards, self.remarks, self.sums = [], [], Sums()
        if self._file.exists():
            finished, self.sums = _from_vector(stored_array(self._file, np.int64, _VECTOR))
            for split, number in planned[:finished]:
                self._read(split, number)

    @property
    def finished(self) -> int:
        """The number of finished shards."""
        return len(self.shards)

    def add(self, shard: ShardFile, remarks: list[list[str]], sums: Sums | None) -> None:
        """Record that the next shard is finished; sums: over its training images, if any."""
        record = self._record(*self.planned[self.finished])
        record.write_text(json.dumps([asdict(shard), remarks]), encoding="utf-8")
        self.shards.append(shard)
        self.remarks += remarks
        if sums:
            self.sums.merge(sums)
        write_array(
            self._file, _as_vector(self.finished, self.sums)
        )  # which makes the shard count as finished

    def _read(self, split, number):
        shard, remarks = json.loads(self._record(split, number).read_text("utf-8"))
        path = self._folder / shard_name(split, number)
        if not path.is_file() or path.stat().st_size != shard["bytes"]:
            raise DataError(
                f"{path}: is not as it was written; delete {self._folder} and start again"
            )
        self.shards.append(ShardFile(**shard))
        self.remarks += remarks

    def _record(self, split, number):
        return self._folder / MAKING / f"{split}-{number:05}.json"


def _as_vector(finished, sums):
    head = [finished, sums.images, *sums.products.flat]
    return np.concatenate([np.array(head, np.int64), sums.pixels.ravel()])


def _from_vector(vector):
    sums = Sums()
    sums.images = int(vector[1])
    sums.products = vector[2:11].reshape(3, 3)
    sums.pixels = vector[11:].reshape(SIDE, SIDE, 3)
    return int(vector[0]), sums
