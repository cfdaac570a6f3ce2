"""Folders of features: a layer's activities for every case of a data set, and what they are.

    features.json        layers, values, cases of each split, class names, the data they are of
    <split>.npy          float32 (cases, values), in the order of the data set; mapped, not read
    <split>_labels.npy   int64 (cases,)
    <split>_indices.npy  int64 (cases,): places in the data set's split

`convnet.train.features` writes them.
"""

import json
from functools import cached_property
from pathlib import Path

import numpy as np

from convnet.data.dataset import SPLITS
from convnet.errors import DataError

META = "features.json"
FORMAT = "convnet features 1"
_KINDS = {"layers": list, "values": int, "cases": dict, "class_names": list, "dataset": dict}


def is_feature_folder(folder: Path) -> bool:
    return (folder / META).is_file()


class FeatureFolder:
    """Reads one.  DataError, naming the file, where it is missing, damaged or of another form.

    layers: whose activities, one behind the other.  cases: split -> how many.  dataset: how
    `open_dataset` finds the data that they are of: its arguments.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.meta = _read_meta(self.path)
        self.layers, self.values = tuple(self.meta["layers"]), self.meta["values"]
        self.cases: dict[str, int] = self.meta["cases"]
        self.class_names = tuple(self.meta["class_names"])
        self.dataset: dict = self.meta["dataset"]
        self._matrices = {split: self._matrix(split) for split in self.cases}

    def matrix(self, split: str) -> np.ndarray:
        """float32 (cases, values), mapped from the file.  DataError if the split is not there."""
        if split not in self._matrices:
            raise DataError(
                f"{self.path}: holds no {split} features; write both with "
                f"`convnet test --write-features {self.layers[0]} --split both`"
            )
        return self._matrices[split]

    def labels(self, split: str) -> np.ndarray:
        return self._vectors[split, "labels"]

    def indices(self, split: str) -> np.ndarray:
        """Places of the cases in their data set's split."""
        return self._vectors[split, "indices"]

    def _matrix(self, split):
        path = self.path / f"{split}.npy"
        return _array(path, np.float32, (self.cases[split], self.values), mapped=True)

    @cached_property
    def _vectors(self):
        return {
            (split, what): _array(self.path / f"{split}_{what}.npy", np.int64, (count,))
            for split, count in self.cases.items()
            for what in ("labels", "indices")
        }


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
        raise DataError(f"{path}: is not of the form '{FORMAT}'")
    good = all(type(meta.get(key)) is kind for key, kind in _KINDS.items())
    if not good or not meta["layers"] or not _are_counts(meta):
        raise DataError(f"{path}: is damaged: not all of {', '.join(_KINDS)} are what they should")
    return meta


def _are_counts(meta):
    counts = [meta["values"], *meta["cases"].values()]
    return set(meta["cases"]) <= set(SPLITS) and all(type(n) is int and n > 0 for n in counts)


def _array(path, dtype, shape, mapped=False):
    """Never unpickles: such a file is refused by NumPy."""
    try:
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise DataError(f"{path}: cannot be read ({problem})") from None
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        sizes = ["x".join(map(str, sides)) for sides in (array.shape, shape)]
        raise DataError(
            f"{path}: is {array.dtype} of {sizes[0]}; {META} says {np.dtype(dtype)} of {sizes[1]} "
            "(row behind row, not in Fortran's order)"
        )
    return array
