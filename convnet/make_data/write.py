"""Writes the shards of a plan, one after the other."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.data.datasets.shard_folder import (
    MEAN,
    ClassRecord,
    Manifest,
    SplitFiles,
    index_name,
    write_manifest,
)
from convnet.data.pictures.listing import UNREADABLE
from convnet.data.pictures.processes import in_order
from convnet.data.pictures.sums import Sums
from convnet.display import harmless
from convnet.errors import DataError
from convnet.make_data.plan import SPLITS, Plan
from convnet.make_data.shard_writer import ShardWriter, write_array, write_text
from convnet.make_data.state import MAKING, State
from convnet.make_data.workers import make_chunk

REMARKS = "remarks.txt"
_ADVICE = "the same command continues where this one stopped; "
_CHUNK = 32  # images that a worker gets at a time
_TYPICAL = 0.37  # bytes of a stored pixel, as long as there is none; photographs take more


def carry_out(
    plan: Plan, folder: Path, state: State, workers: int, on_images: Callable[[int], None]
) -> Manifest:
    """Write the missing shards, then the mean image and the manifest, which is returned.

    on_images: called with the number of images made since the last call.  After an interruption the
    next call continues after the last finished shard.  DataError if the disk is too small.
    """
    planned = plan.shards()
    chunks = (
        [plan.place(split, i) for i in images[start : start + _CHUNK]]
        for split, _, images in planned[state.finished :]
        for start in range(0, len(images), _CHUNK)
    )
    made = in_order(partial(make_chunk, form=plan.jpeg), chunks, workers, _ADVICE)
    try:
        while state.finished < len(planned):
            to_come = sum(len(images) for _, _, images in planned[state.finished :])
            _check_room(folder, state.shards, to_come, plan.jpeg.side)
            split, number, images = planned[state.finished]
            pictures = islice(made, ceil_div(len(images), _CHUNK))
            state.add(*_write_shard(plan, folder, split, number, images, pictures, on_images))
    finally:
        made.close()  # ends the workers
    return _complete(plan, folder, state)


def _check_room(folder, shards, images, side):
    """DataError if the remaining images do not fit, estimated from those written so far."""
    so_far = sum(shard.images for shard in shards)
    each = sum(shard.bytes for shard in shards) / so_far if so_far else _TYPICAL * side**2
    needed, free = images * each, shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{folder}: the disk has {free / 1e9:.1f} GB free, but the remaining images need "
            f"about {needed / 1e9:.1f} GB; free some space, and the same command continues"
        )


def _write_shard(plan, folder, split, number, images, made: Iterator, on_images):
    """Return the shard, its remarks and, for training images, the sums over it."""
    part, indices, remarks, sums = plan.parts[split], iter(images), [], Sums(plan.jpeg.side)
    with ShardWriter(folder, split, number) as writer:
        for pictures, chunk_sums in made:
            for jpeg, remark in pictures:
                index = next(indices)
                if jpeg:
                    writer.add(_key(index, part.names[index]), jpeg, part.label(index))
                if remark:
                    done = "converted" if jpeg else "skipped"
                    remarks.append((split, part.names[index], done, harmless(remark)))
            sums.merge(chunk_sums)
            on_images(len(pictures))
        return writer.finish(), remarks, sums if split == "train" else None


def _key(index, name):
    """Return the image's position and file name, in characters that all tar readers accept."""
    file = name.rpartition("/")[2]
    stem = file.rpartition(".")[0] or file
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in stem)
    return f"{index:08}_{plain[:60]}"


def _complete(plan: Plan, folder: Path, state: State) -> Manifest:
    """Write the mean image, the remarks and, last, the manifest."""
    remarks = [("", name, "skipped", why) for name, why in plan.passed_over] + state.remarks
    remarks += _empty_classes(plan, folder, state)
    write_text(folder / REMARKS, "".join("\t".join(line) + "\n" for line in remarks))
    shards = {split: _of_split(state, split) for split in SPLITS}
    for split, kind in (("train", "training"), ("test", "test")):
        if not sum(shard.images for shard in shards[split]):
            raise DataError(
                f"{folder}: none of the {kind} images could be read (see {REMARKS} there); delete "
                "it, and give images of the formats that are read"
            )
    values, vectors = state.sums.principal_colors()
    manifest = Manifest(
        name=plan.name,
        classes=[
            ClassRecord(wnid, name)
            for wnid, name in zip(plan.classes.ids, plan.classes.names, strict=True)
        ],
        label_order=plan.classes.order,
        seed=plan.seed,
        side=plan.jpeg.side,
        jpeg={"quality": plan.jpeg.quality, "chroma": plan.jpeg.chroma},
        files=SplitFiles(**shards),
        eigenvalues=values,
        eigenvectors=vectors,
        mean_sha256=write_array(folder / MEAN, state.sums.mean_image()),
        remarks=_counts(remarks),
        made=plan.options,
    )
    write_manifest(folder, manifest)
    shutil.rmtree(folder / MAKING)
    return manifest


def _of_split(state, split):
    shards = zip(state.planned, state.shards, strict=True)
    return [shard for (its, _), shard in shards if its == split]


def _empty_classes(plan, folder, state):
    """Return a remark on each class that has no training images."""
    counts = np.zeros(len(plan.classes.ids), np.int64)
    for split, number in state.planned:
        if split == "train":
            labels = np.load(folder / index_name(split, number), allow_pickle=False)[:, 2]
            counts += np.bincount(labels, minlength=len(counts))
    return [
        ("train", plan.classes.ids[label], "empty", "a class without training images")
        for label in np.flatnonzero(counts == 0)
    ]


def unreadable(manifest: Manifest) -> int:
    """Return how many files and folders could not be read when the set was made."""
    return manifest.remarks.get(f"skipped: {UNREADABLE}", 0)


def _counts(remarks):
    counts = Counter(f"{done}: {why.partition(':')[0]}" for _, _, done, why in remarks)
    return dict(sorted(counts.items()))
