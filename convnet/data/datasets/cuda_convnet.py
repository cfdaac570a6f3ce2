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
from convnet.data.datasets.float_mean import fitting_mean
from convnet.data.datasets.target_matrix import holds_targets, target_matrix
from convnet.data.datasets.value_checks import MAX_CLASSES, label_vector, pixel_matrix
from convnet.data.pickle.unpickler import read_dictionary
from convnet.errors import DataError

_BATCH = re.compile(r"data_batch_(\d+)(\.gz|\.zip)?")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")

Range = str | tuple[int, int]  # of data batches: "1-5", "6", or the first and the last number


def find_batches(folder: Path) -> dict[int, Path]:
    """Return number -> file of each data batch in a folder, sorted by number.

    A file may be compressed, as data_batch_1 or as data_batch_1.gz.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):  # of one number, a plain file comes first
        match = _BATCH.fullmatch(path.name)
        if match:
            found.setdefault(int(match[1]), path)
    return dict(sorted(found.items()))


class CudaConvnetFolder(BatchesMeta, ArrayDataset):
    """A folder of data batches, held in memory: uint8, or float32 if one has other values.

    `train_range` and `test_range` select data batches: "1-5", "6", or a pair (first, last), both
    inclusive.  By default the last data batch is the test set and all others the training set.  If
    there is a gap before a batch numbered 1000, 2000, ..., the test set starts at that batch.
    `channels` is what the network expects; it decides where the number of values allows several.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        train_range: Range | None = None,
        test_range: Range | None = None,
        channels: int | None = None,
    ):
        self._read_meta(folder)
        files = find_batches(folder)
        numbers = split_batches(folder, list(files), train_range, test_range)
        read = {n: _read_batch(files[n]) for n in dict.fromkeys(sum(numbers.values(), []))}
        stored = {n: read[n][1] for n in read}
        cases = {n: len(pixels) for n, (pixels, _) in read.items()}
        names, labels = self._labels_of(files, stored, cases)
        pixels = {n: read[n][0] for n in read}
        shape = _image_shape(self._meta_path, self._meta, pixels, files, channels)
        self._read_mean(shape)
        images = {
            split: np.concatenate([pixels[n] for n in numbers[split]]).reshape(-1, *shape)
            for split in numbers
        }
        joined = {
            split: np.concatenate([labels[n] for n in numbers[split]], axis=-1) for split in numbers
        }
        super().__init__(name, names, images, joined)
        self._sizes = {split: {n: cases[n] for n in numbers[split]} for split in numbers}
        if images["train"].dtype != np.uint8:
            self._stored_mean, note = fitting_mean(images["train"], self._stored_mean)
            self.notes = (f"{name}: {note}",)

    def _labels_of(self, files, stored, cases):
        """Return the names of the classes and each batch's labels, or () and its targets."""
        names, path = self._names(), self._meta_path
        if any(holds_targets(stored[n], cases[n], bool(names)) for n in stored):
            found = {n: target_matrix(files[n], stored[n], cases[n]) for n in stored}
            _check_equal_targets(files, found)
            return (), found
        offset, most = self._meta.label_offset or 0, len(names) or MAX_CLASSES
        labels = {n: label_vector(files[n], stored[n], most, offset) for n in stored}
        for n, vector in labels.items():
            if len(vector) != cases[n]:
                raise DataError(
                    f"{files[n]}: has {cases[n]} columns but {len(vector)} labels; each case is a "
                    "column"
                )
        if not names:
            classes = 1 + max(int(vector.max(initial=0)) for vector in labels.values())
            names = tuple(map(str, range(classes)))
            self.notes = (f"{path}: has no label_names; the classes are 0 to {classes - 1}",)
        return names, labels


def _read_batch(path):
    """Return pixels (cases, pixels), uint8 or float32, and the labels as stored."""
    if path.is_dir():
        raise DataError(f"{path}: is a folder of JPEGs, but other data batches are not")
    batch = read_dictionary(path, "data", "labels")
    return np.ascontiguousarray(pixel_matrix(path, batch["data"]).T), batch["labels"]


def _check_equal_targets(files, found):
    first, *others = found
    wrong = next((n for n in others if len(found[n]) != len(found[first])), None)
    if wrong is not None:
        raise DataError(
            f"{files[wrong]}: has {len(found[wrong])} targets a case, but {files[first]} has "
            f"{len(found[first])}"
        )


def _image_shape(meta_path, meta, pixels, files, expected):
    """Return (channels, side, side), from `num_vis` and `img_size` or the size of the images.

    expected: the channels that the network expects, or None.
    """
    sizes = {matrix.shape[1] for matrix in pixels.values()}
    total, side = meta.num_vis or min(sizes), meta.img_size
    wrong = next((n for n, matrix in pixels.items() if matrix.shape[1] != total), None)
    if wrong is not None:
        stated = f"{meta_path} states" if meta.num_vis else "other data batches have"
        raise DataError(
            f"{files[wrong]}: its images have {pixels[wrong].shape[1]:,} values, not the "
            f"{total:,} that {stated}"
        )
    likely = (total // side**2,) if side else (expected or 3, 3, 1, 4, 2)
    for channels in likely:
        tried = side or math.isqrt(total // channels)
        if channels * tried * tried == total and tried:
            return channels, tried, tried
    if side:
        raise DataError(
            f"{meta_path}: {total:,} values do not make images of {side}x{side}, its img_size"
        )
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
