"""What every set of labelled images offers, and the form of it that lies in memory.

Images are bytes (0..255), square, channels first; a set of something else has float32 in their
place.  Nothing here crops, flips or subtracts: that is the feed's work.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property

import numpy as np

from convnet.data import counter_rng
from convnet.data.color_noise import principal_colours
from convnet.errors import DataError

SPLITS = ("train", "test")
_MEAN_CHUNK = 1024


class Dataset(ABC):
    """Labelled square images in two splits, "train" and "test".

    name         how the user names the set: "digits", or a folder
    class_names  one name per class, in the order of the labels
    channels     1 or 3 usually
    side         height and width of the images, pixels
    mirrors      True if the mirror image of a case is still of its class (so it may be flipped)
    workers      the processes that decode its images (`convnet.data.workers`), while there are any
    tree         label -> the labels below it, and the root, if the set has a tree of labels whose
                 leaves are the classes; not checked to be a tree, only to be whole numbers from 0
    """

    name: str
    class_names: tuple[str, ...]
    channels: int
    side: int
    mirrors: bool = True
    workers = None
    tree: tuple[dict[int, tuple[int, ...]], int] | None = None

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @abstractmethod
    def count(self, split: str) -> int:
        """Number of cases in a split."""

    @abstractmethod
    def images(self, split: str, indices) -> np.ndarray:
        """The images at `indices` of a split: uint8 or float32 (cases, channels, side, side)."""

    def lend(self, split: str, indices) -> AbstractContextManager[np.ndarray]:
        """A context that gives the images at `indices`, in the form that is there soonest.

        That is what `images` gives, or pixels packed in one number each, red lowest: uint32 (cases,
        side, side).  Their memory may be used again after the context.
        """
        return Loan(lambda: self.images(split, indices))

    @abstractmethod
    def labels(self, split: str, indices) -> np.ndarray:
        """Their classes, counted from 0: int64 (cases,)."""

    def mean_image(self) -> np.ndarray:
        """Mean of the training images: float32 (channels, side, side)."""
        return self._mean_image

    @cached_property
    def _mean_image(self):
        indices = self._mean_sample()
        total = np.zeros((self.channels, self.side, self.side))
        for start in range(0, len(indices), _MEAN_CHUNK):
            images = self.images("train", indices[start : start + _MEAN_CHUNK])
            total += images.sum(axis=0, dtype=np.int64)
        mean = (total / len(indices)).astype(np.float32)
        mean.flags.writeable = False
        return mean

    @cached_property
    def color_pca(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations and eigenvectors (in columns) of the training images' colours."""
        return principal_colours(self)

    def _mean_sample(self) -> np.ndarray:
        """Training cases the mean is taken over: all of them, unless a set says otherwise."""
        return np.arange(self.count("train"))

    def epoch_order(self, split: str, seed: int, epoch: int) -> np.ndarray:
        """The cases of a split in a random order, a pure function of its arguments."""
        return counter_rng.order(self.count(split), seed, counter_rng.ORDER, epoch)

    def stored_batches(self, split: str) -> dict[int, np.ndarray] | None:
        """Number of each stored data batch -> its cases, in order; None if there are none."""
        check_split(split)
        return None

    def describe(self) -> str:
        """One line for a person."""
        return (
            f"{self.name}: {self.classes:,} classes, {self.channels}x{self.side}x{self.side}, "
            f"{self.count('train'):,} training and {self.count('test'):,} test images"
        )


class Loan(AbstractContextManager):
    """Images that are made when the context is entered, and belong to whoever enters it."""

    def __init__(self, make: Callable[[], np.ndarray]):
        self._make = make

    def __enter__(self):
        return self._make()

    def __exit__(self, *_):
        pass


class ArrayDataset(Dataset):
    """A set that lies in memory.

    `images`: split -> uint8 (cases, channels, side, side); `labels`: split -> integers (cases,).
    """

    def __init__(self, name, class_names, images, labels):
        self.name = name
        self.class_names = tuple(class_names)
        self.channels, self.side = images["train"].shape[1:3]
        self._images = images
        self._labels = {split: np.asarray(labels[split], np.int64) for split in SPLITS}

    def count(self, split):
        check_split(split)
        return len(self._labels[split])

    def images(self, split, indices):
        check_split(split)
        return self._images[split][indices]

    def labels(self, split, indices):
        check_split(split)
        return self._labels[split][indices]


def check_split(split: str) -> None:
    if split not in SPLITS:
        raise DataError(f"no split named {split!r}; a data set has 'train' and 'test'")
