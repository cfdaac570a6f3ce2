"""Features as a data set, so that a network can be trained on another network's activities."""

from functools import cached_property
from pathlib import Path

import numpy as np

from convnet.data.dataset import Dataset, Indices, check_split
from convnet.data.datasets.feature_files import FeatureFolder
from convnet.display import harmless
from convnet.errors import DataError

_SAMPLE = 4096  # the largest number of training cases that mean and scale are computed from


class Features(Dataset):
    """The cases of a feature folder: `values` channels of one pixel each, float32.

    All values are divided by `scale`, so that one learning rate fits the features of any network:
    the root mean square of the training features after their mean is subtracted, or the scale that
    `use_scale` sets.
    """

    mirrors = False
    side = 1

    def __init__(self, folder: Path, name: str):
        self.name = name
        self._folder = FeatureFolder(folder)
        self._matrices = {split: self._folder.matrix(split) for split in ("train", "test")}
        self.channels = self._folder.values
        self.class_names = self._folder.class_names
        self._given_scale: np.float32 | None = None
        self._labels = {split: self._folder.labels(split) for split in ("train", "test")}

    def count(self, split: str) -> int:
        check_split(split)
        return len(self._matrices[split])

    def images(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        with np.errstate(over="ignore", invalid="ignore"):  # the feed refuses infinite values
            values = np.asarray(self._matrices[split][indices]) / self.scale
        return values.reshape(len(values), self.channels, 1, 1)

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        return self._labels[split][indices]

    @property
    def scale(self) -> np.float32:  # type: ignore[override]
        return self._statistics[1] if self._given_scale is None else self._given_scale

    def use_scale(self, scale: float) -> None:
        self._given_scale = np.float32(scale)

    @property
    def _mean_image(self):
        return (self._statistics[0] / self.scale).reshape(-1, 1, 1)

    @cached_property
    def _statistics(self):
        count = self.count("train")
        wanted = min(count, _SAMPLE)
        cases = np.arange(wanted) * count // wanted
        with np.errstate(invalid="ignore"):  # which a signalling NaN raises; it is refused below
            sample = self._matrices["train"][cases].astype(np.float64)
        good = np.isfinite(sample).all(axis=1)
        if not good.all():
            raise DataError(
                f"{harmless(self.name)}: training case {cases[np.argmin(good)]:,} has a value that "
                "is not finite; write the features again with `convnet test --write-features`"
            )
        mean = sample.mean(axis=0)
        scale = np.sqrt(np.square(sample - mean).mean()) or 1.0
        return mean.astype(np.float32), np.float32(scale)

    def describe(self) -> str:
        layers = " and ".join(self._folder.layers)
        return (
            f"{self.name}: {self.channels:,} features of {layers}, "
            f"{self.count('train'):,} training and {self.count('test'):,} test cases"
        )
