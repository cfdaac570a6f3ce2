"""Verifies a data set: reads it to the last byte and compares it with its manifest."""

import os
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from convnet.data.datasets.shard_folder import (
    CHANNELS,
    LARGEST_IMAGE,
    MEAN,
    Manifest,
    ShardFile,
    index_name,
    read_manifest,
    sha256_of,
    shard_name,
    stored_array,
)
from convnet.data.jpeg import load_jpeg
from convnet.data.pictures.processes import in_order
from convnet.data.pictures.sums import Sums
from convnet.display import harmless
from convnet.errors import DataError
from convnet.stored.archives import Damaged
from convnet.stored.files import check_regular, open_regular
from convnet.stored.tars import members

_MAX_NAMED = 10  # damaged images of a shard that are reported by name


def verify(
    folder: Path, workers: int = 1, on_images: Callable[[int], None] = lambda count: None
) -> tuple[Manifest, list[str]]:
    """Return the manifest of a data set, and a line for each problem found.

    on_images: called with the number of images verified since the last call.  DataError if the
    folder has no readable manifest.
    """
    manifest = read_manifest(folder)
    shards = [(s, i, shard) for s in manifest.shards for i, shard in enumerate(manifest.shards[s])]
    check = partial(_check_shard, folder, manifest)
    problems, sums = [], Sums(manifest.side)
    for (split, _, shard), (found, shard_sums) in zip(
        shards, in_order(check, shards, workers), strict=True
    ):
        problems += found
        if split == "train":
            sums.merge(shard_sums)
        on_images(shard.images)
    return manifest, problems or _check_sums(folder, manifest, sums)


def _check_shard(folder, manifest: Manifest, task: tuple[str, int, ShardFile]):
    """Return the problems of a shard, and the sums over its images."""
    split, number, shard = task
    tar, index = folder / shard_name(split, number), folder / index_name(split, number)
    problems, sums = [], Sums(manifest.side)
    try:
        if check_regular(tar).st_size > shard.bytes:
            return [f"{tar}: is larger than the {shard.bytes:,} bytes in dataset.json"], sums
        for path, expected in ((tar, shard.sha256), (index, shard.index_sha256)):
            if sha256_of(path) != expected:
                problems.append(f"{path}: its SHA-256 is not the one in dataset.json")
        table = stored_array(index, np.int64, (shard.images, manifest.columns))
        wrong = list(_wrong_images(tar, table, manifest, sums))
    except OSError as problem:
        path = problem.filename or tar
        return [*problems, f"{path}: cannot be read to its end: {problem.strerror}"], sums
    except (DataError, Damaged) as problem:
        return [*problems, f"{tar}: cannot be read to its end: {harmless(str(problem))}"], sums
    if len(wrong) > _MAX_NAMED:
        wrong[_MAX_NAMED:] = [f"{tar}: and {len(wrong) - _MAX_NAMED:,} more images"]
    return problems + wrong, sums


def _wrong_images(path, table, manifest, sums):
    """Yield what is wrong with each image of a shard that does not match its index."""
    rows = iter(table.tolist())
    with open_regular(path) as file:

        def read_at(count, offset):
            return os.pread(file.fileno(), count, offset)

        listed = members(read_at, os.fstat(file.fileno()).st_size)
        for image in listed:
            what = _wrong(read_at, image, next(listed, None), next(rows, None), manifest, sums)
            if what:
                yield f"{path}: {image.name!a}: {what}"
    if next(rows, None) is not None:
        yield f"{path}: has fewer images than its index"


def _wrong(read_at, image, label, row, manifest, sums):
    stem = image.name.removesuffix(".jpg")
    if label is None or (image.name, label.name) != (f"{stem}.jpg", f"{stem}.cls"):
        return "is not a pair of .jpg and .cls"
    if label.size > 9 or not (text := read_at(label.size, label.offset_data)).isdigit():
        return "its label is not a number"
    if image.size > LARGEST_IMAGE:
        return f"has {image.size:,} bytes"
    jpeg = read_at(image.size, image.offset_data)
    found = [image.offset_data, image.size, int(text), zlib.crc32(jpeg)]
    if row is None or row[:3] != found[:3] or not 0 <= row[2] < len(manifest.classes):
        return "its offset, size or label is not the one in the index, or the label has no class"
    if row[3:] != found[3 : len(row)]:
        return "its CRC-32 is not the one in the index"
    try:
        picture = load_jpeg(jpeg, (manifest.side, manifest.side))
    except ValueError as problem:
        return str(problem)
    if picture.mode != "RGB":
        return f"is {picture.width}x{picture.height} {picture.mode}"
    sums.add(np.asarray(picture))
    return None


def _check_sums(folder, manifest, sums):
    """Return the problems of the mean image and the eigenvalues, given undamaged shards."""
    problems, path = [], folder / MEAN
    try:
        mean = stored_array(path, np.float32, (CHANNELS, manifest.side, manifest.side))
        if sha256_of(path) != manifest.mean_sha256 or not np.array_equal(mean, sums.mean_image()):
            problems.append(f"{path}: is not the mean of the training images")
    except (OSError, DataError) as problem:
        problems.append(str(problem))
    if sums.principal_colors() != (manifest.eigenvalues, manifest.eigenvectors):
        problems.append(
            f"{folder / 'dataset.json'}: its eigenvalues are not those of the training images"
        )
    return problems
