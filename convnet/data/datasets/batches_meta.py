"""The facts in `batches.meta` that all folders of data batches share (docs/dialect.md, 9.1)."""

from functools import cached_property
from pathlib import Path

import numpy as np

from convnet.data.dataset import Dataset, check_split
from convnet.data.datasets.label_tree import label_tree
from convnet.data.datasets.value_checks import color_pca
from convnet.errors import DataError


class BatchesMeta(Dataset):
    """A mixin that takes the mean, the color statistics and the label tree from the meta file.

    It comes before the kind of data set among the bases of a class.

    _meta, _meta_path  the contents of the file, and its path
    _sizes             split -> number of each data batch -> how many cases it has
    """

    _meta: dict
    _meta_path: Path
    _sizes: dict[str, dict[int, int]]

    def stored_batches(self, split: str) -> dict[int, np.ndarray]:
        check_split(split)
        sizes = self._sizes[split]
        ends = np.cumsum(list(sizes.values()))
        return {
            n: np.arange(end - size, end)
            for (n, size), end in zip(sizes.items(), ends, strict=True)
        }

    @cached_property
    def _mean_image(self):
        """The folder's own `data_mean`; computed from the training images if it has none."""
        mean = self._meta.get("data_mean")
        shape = (self.channels, self.side, self.side)
        if mean is None:
            return super()._mean_image
        if not isinstance(mean, np.ndarray) or mean.size != np.prod(shape):
            raise DataError(
                f"{self._meta_path}: data_mean does not have the {np.prod(shape):,} values of an "
                "image"
            )
        return np.ascontiguousarray(mean, np.float32).reshape(shape)

    @cached_property
    def color_pca(self) -> tuple[np.ndarray, np.ndarray]:
        """The folder's own `color_pca`; computed from the training images if it has none."""
        found = self._meta.get("color_pca")
        return super().color_pca if found is None else color_pca(self._meta_path, found)

    @cached_property
    def tree(self) -> tuple[dict[int, tuple[int, ...]], int] | None:
        """The folder's `tree` and its root from `all_wnids`; None if the folder has no tree."""
        return label_tree(self._meta_path, self._meta)
