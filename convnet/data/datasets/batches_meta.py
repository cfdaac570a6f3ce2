"""The facts in `batches.meta` that all folders of data batches share (docs/dialect.md, 9.1)."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from convnet.data.dataset import Dataset, check_split
from convnet.data.datasets.label_tree import label_tree
from convnet.data.datasets.value_checks import class_names, color_pca, whole
from convnet.data.pickle.unpickler import read_dictionary
from convnet.errors import DataError
from convnet.stored.records import from_objects

META = "batches.meta"
Side = Annotated[int, msgspec.Meta(ge=1, le=1 << 14)]  # of an image, pixels
Values = Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]  # of an image
Offset = Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 31)]


class Meta(msgspec.Struct):
    """The keys of `batches.meta` that are used; all are optional.

    label_names   names of the classes, in a form that `class_names` reads
    num_vis       values of an image
    img_size      side of the images
    label_offset  added to stored labels
    data_mean     mean image, or one number
    color_pca, tree, all_wnids   read where they are needed
    """

    label_names: Any = None
    num_vis: Values | None = None
    img_size: Side | None = None
    label_offset: Offset | None = None
    data_mean: Any = None
    color_pca: Any = None
    tree: Any = None
    all_wnids: Any = None


def meta_file(folder: Path) -> Path | None:
    """Return a folder's `batches.meta`, which may be compressed; None if there is none."""
    return next((p for end in ("", ".gz") if (p := folder / f"{META}{end}").is_file()), None)


def read_meta(path: Path) -> Meta:
    """Return the facts of a folder.  DataError, with the file and the key, for impossible ones."""
    stored = read_dictionary(path)
    numbers = {key: whole(stored.get(key)) for key in ("num_vis", "img_size", "label_offset")}
    known = {key: value for key, value in stored.items() if key in Meta.__struct_fields__}
    _refuse_many_values(path, known)
    try:
        return from_objects(known | numbers, Meta, path)
    except DataError as problem:
        raise DataError(f"{problem}; correct the file, or leave the key out") from None


_MOST_VALUES = 4_000_000  # of a file: a mean image stored as lists has 200,000


def _refuse_many_values(path, stored):
    """A list may hold another one a thousand times, and that one too: all would be copied."""
    waiting, count = [stored], 0
    while waiting:
        value = waiting.pop()
        inner = value.values() if type(value) is dict else value
        if type(value) in (dict, list, tuple, set, frozenset):
            count += len(value)
            waiting.extend(item for item in inner if type(item) not in (int, float, str, bytes))
        if count > _MOST_VALUES:
            raise DataError(f"{path}: is damaged: it states more than {_MOST_VALUES:,} values")


def mean_image(path: Path, stored: object, shape: tuple[int, int, int]) -> np.ndarray | None:
    """Return `data_mean` as float32 (channels, side, side); None if there is none.

    DataError, with the file, if it has another number of values or one that is not finite.
    """
    if stored is None:
        return None
    is_list = type(stored) in (list, tuple, int, float)
    values = np.ravel(_array(stored) if is_list else stored)
    size = int(np.prod(shape))
    if values.dtype.kind not in "fiub" or values.size not in (1, size):
        raise DataError(
            f"{path}: data_mean has {values.size:,} values, not the {size:,} values of an image of "
            f"{'x'.join(map(str, shape))}"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused below
        mean = np.broadcast_to(values.astype(np.float64), size).astype(np.float32).reshape(shape)
    if not np.isfinite(mean).all():
        place = int(np.argmin(np.isfinite(mean).ravel()))
        raise DataError(
            f"{path}: data_mean has the value {mean.flat[place]} (number {place:,} of {size:,}); "
            "all must be finite numbers"
        )
    mean.flags.writeable = False
    return mean


def _array(values) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        return np.array([], object)


class BatchesMeta(Dataset):
    """A mixin that takes the mean, the color statistics and the label tree from the meta file.

    It comes before the kind of data set among the bases of a class.

    _meta, _meta_path  the contents of the file, and its path
    _stored_mean       `data_mean`, or None
    _sizes             split -> number of each data batch -> how many cases it has
    """

    _meta: Meta
    _meta_path: Path
    _stored_mean: np.ndarray | None = None
    _sizes: dict[str, dict[int, int]]

    def _read_meta(self, folder: Path) -> None:
        self._meta_path = meta_file(folder) or folder / META
        self._meta = read_meta(self._meta_path)

    def _names(self) -> tuple[str, ...]:
        """The names of the classes; () if the file has none."""
        if self._meta.label_names is None:
            return ()
        return class_names(self._meta_path, self._meta.label_names)

    def _read_mean(self, shape: Iterable[int]) -> None:
        self._stored_mean = mean_image(self._meta_path, self._meta.data_mean, tuple(shape))

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
        return super()._mean_image if self._stored_mean is None else self._stored_mean

    @cached_property
    def color_pca(self) -> tuple[np.ndarray, np.ndarray]:
        """The folder's own `color_pca`; computed from the training images if it has none."""
        found = self._meta.color_pca
        return super().color_pca if found is None else color_pca(self._meta_path, found)

    @cached_property
    def tree(self) -> tuple[dict[int, tuple[int, ...]], int] | None:
        """The folder's `tree` and its root from `all_wnids`; None if the folder has no tree."""
        return label_tree(self._meta_path, self._meta.tree, self._meta.all_wnids)
