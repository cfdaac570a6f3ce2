"""CIFAR-10 in the form in which cuda-convnet read it: data batches 1-6 and a mean image.

The originals' --train-range and --test-range, the order of the cases and the short last minibatch
of each data batch exist only in this form (docs/dialect.md, 9.1).
"""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np

from convnet.data import open_dataset
from convnet.data.dataset import Dataset
from convnet.errors import DataError
from convnet.stored.files import replacing

_BATCHES = 5  # of the training set; the test set is the next one
Change = Callable[[np.ndarray], np.ndarray]


def originals_folder(data: Path, folder: Path, change: Change | None = None) -> Path:
    """Return a folder with CIFAR-10 as data batches 1-6, and write it unless it is there.

    data: the unpacked archive in its Python or binary version, or already such a folder, which is
    returned itself.  change: applied to the uint8 images (cases, channels, side, side) of a batch.
    Raises DataError if the data is damaged or something else.
    """
    if (data / f"data_batch_{_BATCHES + 1}").exists() and change is None:
        return data
    if not (folder / "batches.meta").is_file():  # it is written last
        folder.mkdir(parents=True, exist_ok=True)
        _write_all(_opened(data), folder, change or (lambda images: images))
    return folder


def _opened(data: Path) -> Dataset:
    dataset = open_dataset(data)
    if dataset.classes != 10 or (dataset.channels, dataset.side) != (3, 32):
        raise DataError(
            f"{data}: must be CIFAR-10, 10 classes of 3x32x32, not {dataset.describe()}"
        )
    return dataset


def _write_all(dataset: Dataset, folder: Path, change: Change) -> None:
    total, count = np.zeros((3, 32, 32)), dataset.count("train")
    for number, cases in enumerate(np.array_split(np.arange(count), _BATCHES), 1):
        total += _write_batch(dataset, "train", cases, folder / f"data_batch_{number}", change)
    tests = np.arange(dataset.count("test"))
    _write_batch(dataset, "test", tests, folder / f"data_batch_{_BATCHES + 1}", change)
    meta = {
        "num_vis": 3 * 32 * 32,
        "label_names": list(dataset.class_names),
        "data_mean": (total / count).astype(np.float32).reshape(-1, 1),
    }
    _write(folder / "batches.meta", meta)


def _write_batch(dataset, split, cases, path, change):
    """Write a data batch, whose cases are columns, and return the sum of its images."""
    images = change(dataset.images(split, cases))
    columns = np.ascontiguousarray(images.reshape(len(images), -1).T)
    _write(path, {"data": columns, "labels": dataset.labels(split, cases).tolist()})
    return images.sum(axis=0, dtype=np.int64)


def _write(path, contents):
    with replacing(path) as temporary:
        temporary.write_bytes(pickle.dumps(contents, protocol=2))
