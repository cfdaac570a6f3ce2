"""The data folders of cuda-convnet: `batches.meta`, `data_batch_<n>` (docs/dialect.md, 9.1).

The cases are the columns of a batch's matrix.  The data batches keep their order and boundaries, so
`Feed` can follow them case by case.
"""

import math
import re
from pathlib import Path

import numpy as np

from convnet.data.dataset import ArrayDataset
from convnet.data.datasets.batches_meta import BatchesMeta
from convnet.data.datasets.value_checks import class_names, label_vector, pixel_matrix
from convnet.data.pickle.unpickler import read_dictionary
from convnet.errors import DataError

_BATCH = re.compile(r"data_batch_(\d+)")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")

Range = str | tuple[int, int]  # of data batches: "1-5", "6", or the first and the last number


def find_batches(folder: Path) -> dict[int, Path]:
    """Return number -> file of each data batch in a folder, sorted by number."""
    matches = ((_BATCH.fullmatch(path.name), path) for path in folder.iterdir())
    return dict(sorted((int(match[1]), path) for match, path in matches if match))


class CudaConvnetFolder(BatchesMeta, ArrayDataset):
    """A folder of data batches, held in memory.

    `train_range` and `test_range` select data batches: "1-5", "6", or a pair (first, last), both
    inclusive.  By default the last data batch is the test set and all others the training set.  If
    there is a gap before a batch numbered 1000, 2000, ..., the test set starts at that batch.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        train_range: Range | None = None,
        test_range: Range | None = None,
    ):
        self._meta_path = folder / "batches.meta"
        self._meta = read_dictionary(self._meta_path, "label_names")
        files = find_batches(folder)
        numbers = split_batches(folder, list(files), train_range, test_range)
        names = class_names(self._meta_path, self._meta["label_names"])
        read = {
            n: _read_batch(files[n], len(names)) for n in dict.fromkeys(sum(numbers.values(), []))
        }
        shape = _image_shape(self._meta_path, self._meta, {n: read[n][0] for n in read}, files)
        images = {
            split: np.concatenate([read[n][0] for n in numbers[split]]).reshape(-1, *shape)
            for split in numbers
        }
        labels = {split: np.concatenate([read[n][1] for n in numbers[split]]) for split in numbers}
        super().__init__(name, names, images, labels)
        self._sizes = {split: {n: len(read[n][1]) for n in numbers[split]} for split in numbers}


def _read_batch(path, classes):
    """Return pixels uint8 (cases, pixels) and labels int64 (cases,) of one data batch."""
    if path.is_dir():
        raise DataError(f"{path}: is a folder of JPEGs, but other data batches are not")
    batch = read_dictionary(path, "data", "labels")
    pixels = pixel_matrix(path, batch["data"]).T
    labels = label_vector(path, batch["labels"], classes)
    if len(labels) != len(pixels):
        raise DataError(
            f"{path}: has {len(pixels)} columns but {len(labels)} labels; each case is a column"
        )
    return np.ascontiguousarray(pixels), labels


def _image_shape(meta_path, meta, pixels, files):
    """Return (channels, side, side), from `num_vis` and `img_size` or the size of the images."""
    sizes = {matrix.shape[1] for matrix in pixels.values()}
    total, side = meta.get("num_vis", min(sizes)), meta.get("img_size")
    if type(total) is not int or type(side) not in (int, type(None)):
        raise DataError(f"{meta_path}: num_vis or img_size is not an integer")
    wrong = next((files[n] for n, matrix in pixels.items() if matrix.shape[1] != total), None)
    if wrong is not None:
        raise DataError(
            f"{wrong}: its images do not have the {total:,} values that {meta_path} states"
        )
    for channels in (3, 1):
        tried = side or math.isqrt(total // channels)
        if channels * tried * tried == total:
            return channels, tried, tried
    raise DataError(f"{meta_path}: {total} values do not make a square image of 3 or 1 channels")


def split_batches(
    folder: Path, numbers: list[int], train_range: Range | None, test_range: Range | None
) -> dict[str, list[int]]:
    """Return split -> numbers of its data batches; DataError if a range does not fit the folder.

    numbers: those of all data batches in the folder, sorted.
    """
    test = _test_batches(numbers)
    if test_range is not None:
        test = _chosen(folder, numbers, test_range, "test")
    rest = [n for n in numbers if n not in test]
    train = _chosen(folder, numbers, train_range, "train") if train_range is not None else rest
    if not train:
        raise DataError(
            f"{folder}: has no data batch left to train on, only {_listed(numbers)}; "
            "select them with --train-range and --test-range"
        )
    return {"train": train, "test": test}


def _test_batches(numbers):
    """Return the last batch, or all from a multiple of 1,000 on, as cuda-convnet2 numbers them."""
    start = numbers[-1] // 1000 * 1000
    validation = [n for n in numbers if n >= start]
    return validation if start - 1 not in numbers and numbers[0] < start else numbers[-1:]


def _chosen(folder, numbers, wanted, split):
    first, last = _limits(wanted, split)
    chosen = list(range(first, last + 1)) if last - first <= max(numbers) else [first, last]
    missing = [n for n in chosen if n not in numbers]
    if missing:
        raise DataError(
            f"{folder}: has no data_batch_{missing[0]}, which is in the {split} range; "
            f"it has {_listed(numbers)}"
        )
    return chosen


def _limits(wanted, split):
    if isinstance(wanted, str):
        match = _RANGE.fullmatch(wanted.strip())
        wanted = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    first, last = wanted
    if first > last:
        raise DataError(
            f"--{split}-range must be one number or first-last, such as 1-5, "
            "with the smaller number first"
        )
    return first, last


def _listed(numbers):
    return "data_batch_" + ", ".join(map(str, numbers))
