"""Carries out a plan: shard after shard, so that what is finished needs no second thought."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np

from convnet.data.shard_folder import (
    MEAN,
    SIDE,
    Manifest,
    ShardFile,
    shard_name,
    stored_array,
    write_manifest,
)
from convnet.errors import DataError
from convnet.make_data.plan import SPLITS, Plan
from convnet.make_data.shard_writer import ShardWriter, write_array
from convnet.make_data.sums import Sums
from convnet.make_data.workers import make_pictures

MAKING = "making"  # the folder of what is needed until the set is whole
REMARKS = "remarks.txt"
_CHUNK = 32  # images that a worker gets at a time
_STATE = (2 + 9 + SIDE * SIDE * 3,)


def carry_out(plan: Plan, folder: Path, workers: int, tell: Callable[[int], None]) -> Manifest:
    """Writes the shards that are missing, then what is said of all.  tell(n): n images more are
    done.  Whenever it is stopped, the next call goes on behind the last finished shard."""
    making = _Making(plan, folder)
    shards = plan.shards()[making.finished :]
    tell(sum(len(images) for _, _, images in plan.shards()[: making.finished]))
    chunks = (
        [plan.place(split, i) for i in images[start : start + _CHUNK]]
        for split, _, images in shards
        for start in range(0, len(images), _CHUNK)
    )
    made = make_pictures(chunks, plan.jpeg, workers)
    try:
        for split, number, images in shards:
            count = -(-len(images) // _CHUNK)
            making.write_shard(split, number, images, islice(made, count), tell)
    finally:
        made.close()
    return making.complete()


class _Making:
    """The state of a run: shards written, and sums over the training images in them."""

    def __init__(self, plan, folder):
        self.plan, self.folder = plan, folder
        self._state = folder / MAKING / "state.npy"
        self.finished, self.sums = 0, Sums()
        if self._state.exists():
            self.finished, self.sums = _from_vector(stored_array(self._state, np.int64, _STATE))
        self._check_finished()

    def write_shard(self, split, number, images, made: Iterator, tell):
        remarks, sums = [], Sums()
        indices = iter(images)
        with ShardWriter(self.folder, split, number) as writer:
            for pictures, chunk_sums in made:
                for jpeg, remark in pictures:
                    self._add(writer, split, next(indices), jpeg, remark, remarks)
                sums.merge(chunk_sums)
                tell(len(pictures))
            shard = writer.finish()
        self._record(split, number).write_text(json.dumps([asdict(shard), remarks]), "utf-8")
        if split == "train":
            self.sums.merge(sums)
        self.finished += 1
        write_array(self._state, _as_vector(self.finished, self.sums))

    def _add(self, writer, split, index, jpeg, remark, remarks):
        part = self.plan.parts[split]
        if remark:
            remarks.append([part.names[index], "converted" if jpeg else "skipped", remark])
        if jpeg:
            writer.add(_key(index, part.names[index]), jpeg, part.label(index))

    def complete(self):
        """The mean image, the remarks and, last, the manifest."""
        shards, remarks = self._results()
        if not self.sums.images:
            raise DataError(f"{self.folder}: none of the training images could be read")
        lines = ["\t".join(line) + "\n" for line in remarks]
        (self.folder / REMARKS).write_text("".join(lines), encoding="utf-8")
        values, vectors = self.sums.principal_colours()
        manifest = Manifest(
            name=self.plan.name,
            ids=self.plan.classes.ids,
            names=self.plan.classes.names,
            label_order=self.plan.classes.order,
            seed=self.plan.seed,
            jpeg=asdict(self.plan.jpeg),
            shards=shards,
            eigenvalues=values,
            eigenvectors=vectors,
            mean_sha256=write_array(self.folder / MEAN, self.sums.mean_image()),
            remarks=_counts(remarks),
            made={"shard_images": self.plan.shard_images},
        )
        write_manifest(self.folder, manifest)
        shutil.rmtree(self.folder / MAKING)
        return manifest

    def _results(self):
        """Split -> its shards, and all remarks: split, name, what was done, why."""
        shards = {split: [] for split in SPLITS}
        remarks = [["", *pair] for pair in self.plan.passed_over]
        for split, number, _ in self.plan.shards():
            shard, found = json.loads(self._record(split, number).read_text("utf-8"))
            shards[split].append(ShardFile(**shard))
            remarks += [[split, *line] for line in found]
        return shards, remarks

    def _record(self, split, number):
        return self.folder / MAKING / f"{split}-{number:05}.json"

    def _check_finished(self):
        for split, number, _ in self.plan.shards()[: self.finished]:
            path = self.folder / shard_name(split, number)
            shard = json.loads(self._record(split, number).read_text("utf-8"))[0]
            if not path.is_file() or path.stat().st_size != shard["bytes"]:
                raise DataError(
                    f"{path}: is not as it was written; delete {self.folder} and begin again"
                )


def _as_vector(finished, sums):
    head = [finished, sums.images, *sums.products.flat]
    return np.concatenate([np.array(head, np.int64), sums.pixels.ravel()])


def _from_vector(vector):
    sums = Sums()
    sums.images = int(vector[1])
    sums.products = vector[2:11].reshape(3, 3)
    sums.pixels = vector[11:].reshape(SIDE, SIDE, 3)
    return int(vector[0]), sums


def _key(index, name):
    """The image's place in its split and its file's name, in what all readers of tars take."""
    stem = name.rpartition("/")[2].rpartition(".")[0]
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in stem)
    return f"{index:08}_{plain[:60]}"


def _counts(remarks):
    counts = {}
    for _, _, done, why in remarks:
        kind = f"{done}: {why.partition(':')[0]}"
        counts[kind] = counts.get(kind, 0) + 1
    return dict(sorted(counts.items()))
