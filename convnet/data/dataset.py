"""The interface of all sets of labeled images, and a set that is held in memory.

Images are square, channels first, uint8 (0..255); sets of other values hold float32 instead.  A
data set neither crops nor flips nor subtracts: `Feed` does.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, partial

import numpy as np

from convnet.data import counter_rng
from convnet.data.color_noise import principal_colors
from convnet.data.labels import checked_labels
from convnet.errors import DataError

SPLITS = ("train", "test")
Indices = np.ndarray | Sequence[int]  # positions of cases in a split
_MEAN_CHUNK = 1024


class Dataset(ABC):
    """Labeled square images in two splits, "train" and "test".

    name         how the user names the set: "digits", or a folder
    class_names  one name per class, in the order of the labels
    channels     1 or 3 usually
    side         height and width of the images, pixels
    mirrors      whether a mirror image is still of its class, so that images may be flipped
    scale        what the stored values are divided by: 1 for images
    workers      the processes that decode its images (`convnet.data.workers`), while they run
    targets      values a case of data matrix 1 where they are targets of regression, real numbers
                 in place of a class; None for sets of classes
    notes        lines about the set that its user should see
    digest       of which pictures there are, of folders of pictures; "" for other sets
    other_sizes  how to get such images in another size, for messages
    tree         label -> the labels below it, and the root, if the labels form a tree whose leaves
                 are the classes; checked only to hold integers from 0, not to be a tree
    """

    name: str
    class_names: tuple[str, ...]
    channels: int
    side: int
    mirrors: bool = True
    scale: float = 1.0
    workers = None
    targets: int | None = None
    notes: tuple[str, ...] = ()
    digest: str = ""
    other_sizes: str = "choose a data set of another size"
    tree: tuple[dict[int, tuple[int, ...]], int] | None = None

    @property
    def classes(self) -> int:
        """The number of classes; 0 for targets of regression."""
        return len(self.class_names)

    @abstractmethod
    def count(self, split: str) -> int:
        """Return the number of cases in a split.  DataError for an unknown split."""

    @abstractmethod
    def images(self, split: str, indices: Indices) -> np.ndarray:
        """Return the images at `indices`: uint8 or float32 (cases, channels, side, side)."""

    def borrow(self, split: str, indices: Indices) -> AbstractContextManager[np.ndarray]:
        """Return a context that yields the images at `indices` in the layout cheapest to produce.

        The layout is that of `images`, or uint32 (cases, side, side), one number a pixel with red
        in the lowest byte.  The memory may be reused after the context, which may also be left
        (`__exit__`) without being entered.
        """
        return Borrowed(lambda: self.images(split, indices))

    @abstractmethod
    def labels(self, split: str, indices: Indices) -> np.ndarray:
        """Return the classes of the cases at `indices`, counted from 0: int64 (cases,).

        Of a set with `targets`: zeros.
        """

    def target_matrix(self, split: str, indices: Indices) -> np.ndarray:
        """Return data matrix 1: the labels, or the targets of regression: (values, cases)."""
        return self.labels(split, indices)[np.newaxis]

    def use_scale(self, scale: float) -> None:
        """Divide the stored values by this number.  DataError if the set has no scale."""
        if scale != self.scale:
            raise DataError(f"{self.name}: its values are images, which are not divided by {scale}")

    def mean_image(self) -> np.ndarray:
        """Return the mean of the training images: float32 (channels, side, side)."""
        return self._mean_image

    @cached_property
    def _mean_image(self):
        indices = self._mean_sample()
        total = np.zeros((self.channels, self.side, self.side))
        for start in range(0, len(indices), _MEAN_CHUNK):
            images = self.images("train", indices[start : start + _MEAN_CHUNK])
            total += images.sum(axis=0, dtype=np.int64 if images.dtype == np.uint8 else np.float64)
        mean = (total / len(indices)).astype(np.float32)
        mean.flags.writeable = False
        return mean

    @cached_property
    def color_pca(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations and eigenvectors (in columns) of the training images' colors."""
        return principal_colors(partial(self.images, "train"), self.count("train"))

    def _mean_sample(self) -> np.ndarray:
        """Return the training cases that the mean is computed from: all, unless overridden."""
        return np.arange(self.count("train"))

    def epoch_order(self, split: str, seed: int, epoch: int) -> np.ndarray:
        """Return the cases of a split in a random order, a pure function of the arguments."""
        return counter_rng.order(self.count(split), seed, counter_rng.ORDER, epoch)

    def stored_batches(self, split: str) -> dict[int, np.ndarray] | None:
        """Return number -> cases of each stored data batch, in order; None if there are none."""
        check_split(split)
        return None

    def describe(self) -> str:
        """Return one line about the set for people."""
        kind = f"{self.classes:,} classes" if self.targets is None else f"{self.targets:,} targets"
        return (
            f"{self.name}: {kind}, {self.channels}x{self.side}x{self.side}, "
            f"{self.count('train'):,} training and {self.count('test'):,} test images"
        )


class Borrowed(AbstractContextManager):
    """A context that makes images when it is entered; they are not reused afterwards."""

    def __init__(self, make: Callable[[], np.ndarray]):
        self._make = make

    def __enter__(self) -> np.ndarray:
        return self._make()

    def __exit__(self, *_):
        pass


class ArrayDataset(Dataset):
    """A set that is held in memory.

    images: split -> uint8 or float32 (cases, channels, side, side).  labels: split -> integers
    (cases,), or targets of regression, float32 (targets, cases).
    """

    def __init__(
        self,
        name: str,
        class_names: Sequence[str],
        images: Mapping[str, np.ndarray],
        labels: Mapping[str, np.ndarray],
    ):
        self.name = name
        self.class_names = tuple(class_names)
        self.channels, self.side = images["train"].shape[1:3]
        self._images = images
        self._targets = labels if labels["train"].ndim == 2 else None
        if self._targets:
            self.targets = len(labels["train"])
            self._labels = {s: np.zeros(labels[s].shape[1], np.int64) for s in SPLITS}
        else:
            self._labels = {s: checked_labels(name, labels[s], self.classes) for s in SPLITS}
        for split in SPLITS:
            if len(images[split]) != len(self._labels[split]):
                raise DataError(
                    f"{name}: has {len(images[split]):,} {split} images but "
                    f"{len(self._labels[split]):,} labels"
                )

    def count(self, split: str) -> int:
        check_split(split)
        return len(self._labels[split])

    def images(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        return self._images[split][indices]

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        return self._labels[split][indices]

    def target_matrix(self, split: str, indices: Indices) -> np.ndarray:
        if self._targets is None:
            return super().target_matrix(split, indices)
        check_split(split)
        return self._targets[split][:, np.asarray(indices, np.int64)]


def check_split(split: str) -> None:
    """Raise a DataError if there is no split of that name."""
    if split not in SPLITS:
        raise DataError(f"unknown split {split!r}; a data set has 'train' and 'test'")
