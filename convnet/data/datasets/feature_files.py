"""Feature folders: a layer's activities for every case of a data set.

    features.json        layers, values, cases of each split, class names, the source data set
    <split>.npy          float32 (cases, values), in the order of the data set; memory-mapped
    <split>_labels.npy   int64 (cases,)
    <split>_indices.npy  int64 (cases,): positions in the split of the data set

`convnet.train.features` writes them.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from convnet.data.labels import checked_labels
from convnet.display import harmless
from convnet.errors import DataError
from convnet.stored.arrays import read_array
from convnet.stored.files import plain_bytes
from convnet.stored.records import MOST, Count, Finite, Words, damage, from_objects, objects_of

META = "features.json"
FORMAT = "convnet features 1"
_LARGEST_META = 64 << 20  # bytes; 22,000 class names take 1 MB
_ADVICE = "write the folder again with `convnet test --write-features`"

_Cases = Annotated[int, msgspec.Meta(ge=1, lt=1 << 40)]
_Size = Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]
_Range = Words | Annotated[list[Count], msgspec.Meta(min_length=2, max_length=2)]


class Opened(msgspec.Struct, omit_defaults=True):
    """Arguments of `open_dataset`."""

    name: Words
    side: _Size | None = None
    channels: _Size | None = None
    classes: _Size | None = None
    seed: Annotated[int, msgspec.Meta(ge=-MOST, lt=MOST)] = 0
    train_range: _Range | None = None
    test_range: _Range | None = None
    hold_out: Finite | None = None


class FeaturesMeta(msgspec.Struct):
    """The contents of `features.json`."""

    format: Words
    layers: Annotated[list[Words], msgspec.Meta(min_length=1)]
    values: _Size
    cases: Annotated[dict[Literal["train", "test"], _Cases], msgspec.Meta(min_length=1)]
    class_names: list[Words]
    dataset: Opened
    inner_size: Annotated[int, msgspec.Meta(ge=1, lt=1 << 24)] | None = None


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
        meta = _read_meta(self.path)
        self.layers, self.values = tuple(meta.layers), meta.values
        self.cases: dict[str, int] = dict(meta.cases)
        self.class_names = tuple(meta.class_names)
        self.inner_size = meta.inner_size
        self.dataset: dict[str, Any] = msgspec.to_builtins(meta.dataset)
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
        shape = (self.cases[split], self.values)
        return self._array(f"{split}.npy", np.float32, shape, mapped=True)

    @cached_property
    def _vectors(self):
        vectors = {
            (split, what): self._array(f"{split}_{what}.npy", np.int64, (count,))
            for split, count in self.cases.items()
            for what in ("labels", "indices")
        }
        for (split, what), vector in vectors.items():
            if what == "indices" and vector.min() < 0:
                path = self.path / f"{split}_{what}.npy"
                found = f"expected positions from 0, found {vector.min()}"
                raise DataError(damage(path, found, _ADVICE))
        for split in self.cases:
            path = self.path / f"{split}_labels.npy"
            checked_labels(path, vectors[split, "labels"], len(self.class_names))
        return vectors

    def _array(self, name, dtype, shape, mapped=False):
        advice = f"{META} states that form; {_ADVICE}"
        return read_array(self.path / name, dtype, shape, mapped=mapped, advice=advice)


def _read_meta(folder: Path) -> FeaturesMeta:
    path = folder / META
    if not path.exists():
        raise DataError(
            f"{harmless(str(folder))}: holds no features ({META} is missing); "
            "`convnet test --write-features` writes them"
        )
    found = objects_of(plain_bytes(path, _LARGEST_META), path, advice=_ADVICE)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DataError(f"{harmless(str(path))}: is not of the format '{FORMAT}'")
    return from_objects(found, FeaturesMeta, path, advice=_ADVICE)
