"""CIFAR-10 and CIFAR-100 as published: the Python and the binary versions.

A. Krizhevsky: Learning multiple layers of features from tiny images, 2009.  In the Python version
the cases are rows; `cuda_convnet` reads the folders of cuda-convnet, where they are columns.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnet.data.dataset import ArrayDataset
from convnet.data.datasets.memory_check import check_fits_memory
from convnet.data.datasets.value_checks import class_names, label_vector, pixel_matrix
from convnet.data.pickle.unpickler import read_dictionary
from convnet.errors import DataError

_CHANNELS, _SIDE = 3, 32
_PIXELS = _CHANNELS * _SIDE * _SIDE


@dataclass(frozen=True)
class _Form:
    """The files of one published version; `labels` and `names` are keys of its pickles, if any."""

    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    names_file: str
    classes: int
    labels: str | None = None
    names: str | None = None
    label_bytes: int = 1  # the last of them is the class

    def fits(self, folder: Path) -> bool:
        return (folder / self.test[0]).is_file() and (folder / self.names_file).is_file()

    def read(self, path: Path):
        return self._read_pickle(path) if self.labels else self._read_binary(path)

    def _read_pickle(self, path):
        batch = read_dictionary(path, "data", self.labels)
        pixels = pixel_matrix(path, batch["data"])
        if pixels.shape[1] != _PIXELS:
            raise DataError(
                f"{path}: its data has the shape {pixels.shape[0]}x{pixels.shape[1]}; "
                f"CIFAR has {_PIXELS} columns and one row a case"
            )
        labels = label_vector(path, batch[self.labels], self.classes)
        if len(labels) != len(pixels):
            raise DataError(f"{path}: has {len(pixels)} images but {len(labels)} labels")
        return pixels, labels

    def _read_binary(self, path):
        record = self.label_bytes + _PIXELS
        size = path.stat().st_size
        if not size or size % record:
            raise DataError(
                f"{path}: has {size:,} bytes, which is not a multiple of {record}, the bytes of a "
                "record: it is truncated, or not a CIFAR file"
            )
        records = np.fromfile(path, np.uint8).reshape(-1, record)
        labels = label_vector(path, records[:, self.label_bytes - 1], self.classes)
        return records[:, self.label_bytes :], labels

    def class_names(self, folder: Path):
        path = folder / self.names_file
        if self.names:
            names = class_names(path, read_dictionary(path, self.names)[self.names])
        else:
            names = tuple(path.read_text("utf-8", "replace").split())
        if len(names) != self.classes:
            raise DataError(f"{path}: names {len(names)} classes, not {self.classes}")
        return names


_FIVE = range(1, 6)
_FORMS = (
    _Form(
        folder="cifar-10-batches-py",
        train=tuple(f"data_batch_{n}" for n in _FIVE),
        test=("test_batch",),
        names_file="batches.meta",
        classes=10,
        labels="labels",
        names="label_names",
    ),
    _Form(
        folder="cifar-10-batches-bin",
        train=tuple(f"data_batch_{n}.bin" for n in _FIVE),
        test=("test_batch.bin",),
        names_file="batches.meta.txt",
        classes=10,
    ),
    _Form(
        folder="cifar-100-python",
        train=("train",),
        test=("test",),
        names_file="meta",
        classes=100,
        labels="fine_labels",
        names="fine_label_names",
    ),
    _Form(
        folder="cifar-100-binary",
        train=("train.bin",),
        test=("test.bin",),
        names_file="fine_label_names.txt",
        classes=100,
        label_bytes=2,
    ),
)


def find_cifar(folder: Path) -> tuple[Path, _Form] | None:
    """Return where the CIFAR files are, and their version; None if there are none.

    They lie in `folder` itself, or in the folder that their archive unpacks to in it.
    """
    for form in _FORMS:
        for place in (folder, folder / form.folder):
            if form.fits(place):
                return place, form
    return None


class Cifar(ArrayDataset):
    """CIFAR-10 or -100, 3x32x32, held in memory (180 MB)."""

    def __init__(self, folder: Path, form: _Form, name: str):
        missing = [file for file in form.train if not (folder / file).is_file()]
        if missing:
            raise DataError(f"{folder}: {', '.join(missing)} missing; unpack the archive again")
        check_fits_memory(folder, [folder / file for file in (*form.train, *form.test)])
        train = _joined([form.read(folder / file) for file in form.train])
        test = _joined([form.read(folder / file) for file in form.test])
        super().__init__(
            name,
            form.class_names(folder),
            {"train": train[0], "test": test[0]},
            {"train": train[1], "test": test[1]},
        )


def _joined(parts):
    pixels = np.concatenate([pixels for pixels, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    return pixels.reshape(-1, _CHANNELS, _SIDE, _SIDE), labels
