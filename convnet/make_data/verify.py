"""Verifies a data set: reads it to the last byte and compares it with its manifest."""

import io
import tarfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from convnet.data.datasets.shard_folder import (
    CHANNELS,
    LARGEST_IMAGE,
    MEAN,
    SIDE,
    Manifest,
    ShardFile,
    file_size,
    index_name,
    read_manifest,
    sha256_of,
    shard_name,
    stored_array,
)
from convnet.display import harmless
from convnet.errors import DataError
from convnet.make_data.sums import Sums
from convnet.make_data.workers import in_order

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
    check = partial(_check_shard, folder, len(manifest.ids), manifest.columns)
    problems, sums = [], Sums()
    for (split, _, shard), (found, shard_sums) in zip(
        shards, in_order(check, shards, workers), strict=True
    ):
        problems += found
        if split == "train":
            sums.merge(shard_sums)
        on_images(shard.images)
    return manifest, problems or _check_sums(folder, manifest, sums)


def _check_shard(folder, classes, columns, task: tuple[str, int, ShardFile]):
    """Return the problems of a shard, and the sums over its images."""
    split, number, shard = task
    tar, index = folder / shard_name(split, number), folder / index_name(split, number)
    problems, sums = [], Sums()
    try:
        if file_size(tar) > shard.bytes:
            return [f"{tar}: is larger than the {shard.bytes:,} bytes in dataset.json"], sums
        for path, expected in ((tar, shard.sha256), (index, shard.index_sha256)):
            if sha256_of(path) != expected:
                problems.append(f"{path}: its SHA-256 is not the one in dataset.json")
        table = stored_array(index, np.int64, (shard.images, columns))
        wrong = list(_wrong_images(tar, table, classes, sums))
    # tarfile raises any kind of exception for damaged headers.
    except Exception as problem:
        return [*problems, f"{tar}: cannot be read to its end: {harmless(str(problem))}"], sums
    if len(wrong) > _MAX_NAMED:
        wrong[_MAX_NAMED:] = [f"{tar}: and {len(wrong) - _MAX_NAMED:,} more images"]
    return problems + wrong, sums


def _wrong_images(path, table, classes, sums):
    """Yield what is wrong with each image of a shard that does not match its index."""
    rows = iter(table.tolist())
    with tarfile.open(path, "r:") as tar:
        while (image := tar.next()) is not None:
            label = tar.next()
            row = next(rows, None)
            what = _wrong(tar, image, label, row, classes, sums)
            if what:
                yield f"{path}: {image.name!a}: {what}"
            tar.members.clear()
    if next(rows, None) is not None:
        yield f"{path}: has fewer images than its index"


def _wrong(tar, image, label, row, classes, sums):
    stem = image.name.removesuffix(".jpg")
    if label is None or (image.name, label.name) != (f"{stem}.jpg", f"{stem}.cls"):
        return "is not a pair of .jpg and .cls"
    if label.size > 9 or not (text := tar.extractfile(label).read()).isdigit():
        return "its label is not a number"
    if image.size > LARGEST_IMAGE:
        return f"has {image.size:,} bytes"
    jpeg = tar.extractfile(image).read()
    found = [image.offset_data, image.size, int(text), zlib.crc32(jpeg)]
    if row is None or row[:3] != found[:3] or not 0 <= row[2] < classes:
        return "its offset, size or label is not the one in the index, or the label has no class"
    if row[3:] != found[3 : len(row)]:
        return "its CRC-32 is not the one in the index"
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
            if (picture.size, picture.mode) != ((SIDE, SIDE), "RGB"):
                return f"is {picture.width}x{picture.height} {picture.mode}"
            sums.add(np.asarray(picture))
    except (OSError, ValueError, SyntaxError) as problem:
        return f"cannot be decoded ({problem})"
    return None


def _check_sums(folder, manifest, sums):
    """Return the problems of the mean image and the eigenvalues, given undamaged shards."""
    problems, path = [], folder / MEAN
    try:
        mean = stored_array(path, np.float32, (CHANNELS, SIDE, SIDE))
        if sha256_of(path) != manifest.mean_sha256 or not np.array_equal(mean, sums.mean_image()):
            problems.append(f"{path}: is not the mean of the training images")
    except (OSError, DataError) as problem:
        problems.append(str(problem))
    if sums.principal_colors() != (manifest.eigenvalues, manifest.eigenvectors):
        problems.append(
            f"{folder / 'dataset.json'}: its eigenvalues are not those of the training images"
        )
    return problems
