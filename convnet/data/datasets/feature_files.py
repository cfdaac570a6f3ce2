"""Feature folders: a layer's activities for every case of a data set.

    features.json        layers, values, cases of each split, class names, the source data set
    <split>.npy          float32 (cases, values), in the order of the data set; memory-mapped
    <split>_labels.npy   int64 (cases,)
    <split>_indices.npy  int64 (cases,): positions in the split of the data set

`convnet.train.features` writes them.
"""

import json
from functools import cached_property
from pathlib import Path

import numpy as np

from convnet.data.dataset import SPLITS
from convnet.data.labels import checked_labels
from convnet.errors import DataError

META = "features.json"
FORMAT = "convnet features 1"
_KINDS = {"layers": list, "values": int, "cases": dict, "class_names": list, "dataset": dict}


def is_feature_folder(folder: Path) -> bool:
    """Return whether a folder holds features."""
    return (folder / META).is_file()


class FeatureFolder:
    """A feature folder, opened for reading.

    path         the folder
    layers       the layers whose activities are concatenated in `matrix`
    values       values of a case
    cases        split -> number of cases
    class_names  one name per class
    dataset      arguments of `open_dataset` for the data set that the features were computed from
    inner_size   side of the crops that the network saw; None in older folders

    DataError, naming the file, if a file is missing, damaged or of another format.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.meta = _read_meta(self.path)
        self.layers, self.values = tuple(self.meta["layers"]), self.meta["values"]
        self.cases: dict[str, int] = self.meta["cases"]
        self.class_names = tuple(self.meta["class_names"])
        self.dataset: dict = self.meta["dataset"]
        self.inner_size: int | None = _inner_size(self.path, self.meta)
        self._matrices = {split: self._matrix(split) for split in self.cases}

    def matrix(self, split: str) -> np.ndarray:
        """Return the features of a split, float32 (cases, values), memory-mapped from the file.

        DataError if the folder has no such split.
        """
        if split not in self._matrices:
            raise DataError(
                f"{self.path}: holds no {split} features; write both with "
                f"`convnet test --write-features {self.layers[0]} --split both`"
            )
        return self._matrices[split]

    def labels(self, split: str) -> np.ndarray:
        """Return the labels of the cases of a split, int64 (cases,)."""
        return self._vectors[split, "labels"]

    def indices(self, split: str) -> np.ndarray:
        """Return the positions of the cases in the split of the data set, int64 (cases,)."""
        return self._vectors[split, "indices"]

    def _matrix(self, split):
        path = self.path / f"{split}.npy"
        return _array(path, np.float32, (self.cases[split], self.values), mapped=True)

    @cached_property
    def _vectors(self):
        found = {
            (split, what): _array(self.path / f"{split}_{what}.npy", np.int64, (count,))
            for split, count in self.cases.items()
            for what in ("labels", "indices")
        }
        for split in self.cases:
            path = self.path / f"{split}_labels.npy"
            checked_labels(path, found[split, "labels"], len(self.class_names))
        return found


def _inner_size(path, meta) -> int | None:
    value = meta.get("inner_size")
    if value is not None and (type(value) is not int or not 0 < value < 1 << 24):
        raise DataError(f"{path / META}: is damaged: inner_size is not a number of pixels")
    return value


def _read_meta(folder) -> dict:
    path = folder / META
    try:
        meta = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{folder}: holds no features ({META} is missing); "
            "`convnet test --write-features` writes them"
        ) from None
    except (OSError, ValueError, RecursionError) as problem:
        raise DataError(f"{path}: cannot be read ({problem})") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise DataError(f"{path}: is not of the format '{FORMAT}'")
    good = all(type(meta.get(key)) is kind for key, kind in _KINDS.items())
    if not good or not meta["layers"] or not _are_counts(meta):
        raise DataError(f"{path}: is damaged: not all of {', '.join(_KINDS)} are valid")
    return meta


def _are_counts(meta):
    counts = [meta["values"], *meta["cases"].values()]
    return set(meta["cases"]) <= set(SPLITS) and all(type(n) is int and n > 0 for n in counts)


def _array(path, dtype, shape, mapped=False):
    """Load a NumPy file of that type and shape; NumPy refuses files that need unpickling."""
    try:
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise DataError(f"{path}: cannot be read ({problem})") from None
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        sizes = ["x".join(map(str, sides)) for sides in (array.shape, shape)]
        raise DataError(
            f"{path}: is {array.dtype} of {sizes[0]}; {META} states {np.dtype(dtype)} of "
            f"{sizes[1]} (in row-major order)"
        )
    return array
