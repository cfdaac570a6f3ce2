"""Minibatches for a network: crops, flips and mean subtraction (docs/dialect.md, 9.2).

Every minibatch is a pure function of (seed, epoch, index).  So it can be made alone, in any order
and by any thread, and a resumed run sees the same minibatches as an uninterrupted one.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convnet.data import counter_rng
from convnet.data.color_noise import ColorNoise
from convnet.data.crops import Crops
from convnet.data.dataset import Dataset, Indices, check_split
from convnet.data.labels import checked_labels
from convnet.data.pipeline.arrange import arrange
from convnet.data.pipeline.mean import mean_crop
from convnet.data.pipeline.slices import minibatch_slices
from convnet.data.pipeline.views import check_views, view_positions
from convnet.errors import DataError

Ranges = Callable[[int], list[tuple[int, int]]]
"""Of a minibatch of so many cases, parts of it, as (first, end)."""


@dataclass(frozen=True)
class FeedOptions:
    """How minibatches are sampled and augmented.

    side         side of the images that the network expects, pixels; by default the data set's own
    seed         of the order, the crops, the flips and the color noise
    shuffle      False takes training cases in stored order, as the original systems do.  Test cases
                 are always in stored order.
    augment      random crops, and mirror images if `flip`; test images are never augmented
    flip         default: if crops are taken and the data set's mirror images keep their class
    mean         "image" (the center of the training set's mean image), "scalar" (the mean of that
                 image), "none", a number, or an array (channels, S, S) to crop like a mean image
    color_noise  strength c of the noise along the principal colors of training images; 0: none
    color_pca    deviations and eigenvectors of these colors; None: those of the data set
    matrices     which of the matrices of `Batch` to make
    """

    side: int | None = None
    seed: int = 0
    shuffle: bool = True
    augment: bool = True
    flip: bool | None = None
    mean: str | float | np.ndarray = "image"
    color_noise: float = 0.0
    color_pca: tuple[np.ndarray, np.ndarray] | None = None
    matrices: tuple[int, ...] = (0, 1)


@dataclass(frozen=True)
class Batch:
    """A minibatch.

    cases     number of cases, n
    matrices  dataIdx -> float32, C-contiguous: 0 pixels (channels*side*side, n), 1 labels (1, n)
              or targets of regression (targets, n), 2 one-hot labels (classes, n)
    labels    int64 (n,)
    indices   the positions of the cases in their split, int64 (n,)
    made      the cases whose pixels are made, numbers in the minibatch; those of others are garbage
    """

    cases: int
    matrices: dict[int, np.ndarray]
    labels: np.ndarray
    indices: np.ndarray
    made: np.ndarray


class Feed:
    """Makes minibatches of a split of a data set.

    DataError for options that do not fit the data set, such as a side larger than its images.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        minibatch: int,
        options: FeedOptions | None = None,
    ):
        options = options or FeedOptions()
        check_split(split)
        if minibatch < 1:
            raise DataError(f"a minibatch must have at least 1 case, not {minibatch}")
        if not dataset.count(split):
            raise DataError(
                f"{dataset.name}: has no {split} images to make minibatches of; make or choose a "
                "data set that has some"
            )
        self.dataset, self.split, self.minibatch_size = dataset, split, minibatch
        self.side = dataset.side if options.side is None else options.side
        self._border = border(dataset, self.side)
        self._seed = options.seed
        self._shuffles = options.shuffle and split == "train"
        self._augments = options.augment and split == "train"
        by_default = self._border > 0 and dataset.mirrors
        self._flips = by_default if options.flip is None else options.flip
        self._mean = mean_crop(dataset, self.side, options.mean)
        self._noise = self._color_noise(options.color_noise, options.color_pca)
        self._heights = {matrix: self._rows(matrix) for matrix in options.matrices}
        stored = None if self._shuffles else dataset.stored_batches(split)
        self._slices = minibatch_slices(dataset.count(split), minibatch, stored)
        self._order = lru_cache(maxsize=2)(self._make_order)
        self._ranges: Ranges = lambda cases: [(0, cases)]

    def make_only(self, ranges: "Ranges") -> None:
        """Make the pixels of some cases only, as where other processes make the others'.

        ranges: of the number of cases in a minibatch, those to make, as (first, end).
        """
        self._ranges = ranges

    @property
    def mean(self) -> np.ndarray:
        """What is subtracted from each crop: float32 (channels, side, side)."""
        return self._mean

    # -- which cases a minibatch holds

    @property
    def minibatches_per_epoch(self) -> int:
        """The number of minibatches in an epoch."""
        return len(self._slices)

    @property
    def data_batches_per_epoch(self) -> int:
        """The number of data batches in an epoch; the original systems count progress in them."""
        return self._slices[-1].data_batch + 1

    @property
    def shuffles(self) -> bool:
        """Whether each epoch has its own order of the cases; if not, they keep the stored order."""
        return self._shuffles

    def data_batch_of(self, index: int) -> int:
        """Return the position, from 0, of the data batch that a minibatch belongs to.

        In stored order the data batches are the folder's own; otherwise each minibatch is one.
        """
        return self._slices[index].data_batch

    def cases_of(self, index: int) -> int:
        """Return the number of cases in a minibatch."""
        return self._slices[index].end - self._slices[index].start

    def indices(self, epoch: int, index: int) -> np.ndarray:
        """Return the positions in the split of the cases of a minibatch, int64 (cases,).

        IndexError if an epoch has no such minibatch.
        """
        if not 0 <= index < len(self._slices):
            raise IndexError(f"an epoch has {len(self._slices)} minibatches; there is no {index}")
        found = self._slices[index]
        return self._order(epoch if self._shuffles else 0)[found.start : found.end]

    def _make_order(self, epoch):
        if not self._shuffles:
            return np.arange(self.dataset.count(self.split))
        return self.dataset.epoch_order(self.split, self._seed, epoch)

    # -- making minibatches

    def buffers(self) -> dict[int, np.ndarray]:
        """Return arrays for one full minibatch, to be passed as `out`.

        While worker processes decode the data set, they can fill the array of the pixels.
        """
        size, workers = self.minibatch_size, self.dataset.workers
        made = {m: np.empty((rows, size), np.float32) for m, rows in self._heights.items()}
        if 0 in made and workers is not None:
            made[0] = workers.canvas(self._mean, size)
        return made

    def minibatch(self, epoch: int, index: int, out: dict[int, np.ndarray] | None = None) -> Batch:
        """Return minibatch `index` of an epoch, both from 0; the last of an epoch may be short.

        `out`, as from `buffers`, is overwritten and holds the matrices of the result; those of a
        short minibatch occupy the beginning of its memory.
        """
        indices = self.indices(epoch, index)
        crops, workers = self._crops(epoch, indices), self.dataset.workers
        if out and workers is not None and workers.is_canvas(out.get(0)):
            ranges = self._ranges(len(indices))
            cut = self.side, crops, self._factor, ranges
            with workers.make(out[0], self.split, indices, *cut) if ranges else nullcontext():
                return self._labeled(indices, out)
        with self.borrow(indices) as images:
            return self._batch(indices, images, crops, out)

    def views(
        self, index: int, count: int, out: dict[int, np.ndarray] | None = None
    ) -> Iterator[Batch]:
        """Yield the same cases once for each of `count` views, ordered as in docs/dialect.md, 9.2.

        1: center.  10: corners and center, then their mirror images.  9: a 3x3 grid.
        """
        check_views(count)
        indices = self.indices(0, index)
        with self.borrow(indices) as images:
            for view in range(count):
                yield self.view(indices, images, view, count, out)

    def view(
        self,
        indices: np.ndarray,
        images: np.ndarray,
        view: int,
        count: int,
        out: dict[int, np.ndarray] | None = None,
    ) -> Batch:
        """Return one view of cases; `images` as from `borrow`."""
        y, x, flipped = view_positions(count)[view]
        starts = np.tile(np.array([[y, x]]) * self._border, (len(indices), 1))
        crops = Crops(starts, np.full(len(indices), flipped), None)
        return self._batch(indices, images, crops, out)

    def centers(self, indices: Indices) -> np.ndarray:
        """Return the central crops of images, as the network sees them in a test.

        uint8 or float32 (cases, channels, side, side).
        """
        seen = slice(self._border, self._border + self.side)
        return self.dataset.images(self.split, indices)[:, :, seen, seen]

    def borrow(self, indices: Indices) -> AbstractContextManager[np.ndarray | None]:
        """Return a context that yields the images of cases; None if no pixels are needed.

        Of the cases of a minibatch, those whose pixels are made.
        """
        made = self._made(len(indices))
        if 0 not in self._heights or not len(made):
            return nullcontext()
        some = indices if len(made) == len(indices) else np.asarray(indices)[made]
        return self.dataset.borrow(self.split, some)

    def _made(self, cases: int) -> np.ndarray:
        ranges = self._ranges(cases)
        return np.concatenate([np.arange(0), *(np.arange(*each) for each in ranges)])

    def _crops(self, epoch, indices) -> Crops:
        shifts = self._noise.shifts(epoch, indices) if self._noise else None
        if not self._augments:
            center = np.full((len(indices), 2), self._border)
            return Crops(center, np.zeros(len(indices), bool), shifts)
        places = self.dataset.side - self.side + 1
        uses = counter_rng.CROP_Y, counter_rng.CROP_X, counter_rng.FLIP
        y, x, flip = (counter_rng.bits(self._seed, use, epoch, indices) for use in uses)
        starts = np.stack([counter_rng.below(bits, places) for bits in (y, x)], axis=1)
        return Crops(starts, self._flips & (counter_rng.below(flip, 2) == 1), shifts)

    def _batch(self, indices, images, crops: Crops, out):
        batch = self._labeled(indices, out)
        if 0 in batch.matrices and images is not None:
            self._refuse_non_finite(images, np.asarray(indices)[batch.made])
            pixels = batch.matrices[0].reshape(self.dataset.channels, self.side, self.side, -1)
            self._arrange(images, crops, pixels)
        return batch

    def _arrange(self, images, crops: Crops, pixels):
        """Make the pixels of a minibatch's ranges, whose images lie one behind the other."""
        done = 0
        for first, end in self._ranges(pixels.shape[-1]):
            some = images[done : done + end - first]
            starts, flips = crops.starts[first:end], crops.flips[first:end]
            shifts = None if crops.shifts is None else crops.shifts[:, first:end]
            arrange(some, starts, flips, self._mean, pixels, shifts, self._factor, first)
            done += end - first

    def _refuse_non_finite(self, images, indices):
        """Raise DataError if images of real numbers hold NaN or infinity."""
        if images.dtype.kind == "f" and not np.isfinite(images).all():
            good = np.isfinite(images).reshape(len(images), -1).all(axis=1)
            raise DataError(
                f"{self.dataset.name}: {self.split} case {indices[np.argmin(good)]:,} holds values "
                "that are not finite: make the data again, or leave the case out"
            )

    def _labeled(self, indices, out):
        """Return a minibatch with labels whose pixels are not computed yet."""
        labels = self.dataset.labels(self.split, indices)
        if self.dataset.classes:
            labels = checked_labels(self.dataset.name, labels, self.dataset.classes, indices)
        matrices = {m: self._place(m, len(indices), out) for m in self._heights}
        if 1 in matrices:
            matrices[1][:] = self.dataset.target_matrix(self.split, indices)
        if 2 in matrices:
            np.equal(labels, np.arange(self.dataset.classes)[:, np.newaxis], out=matrices[2])
        return Batch(len(indices), matrices, labels, indices, self._made(len(indices)))

    @property
    def _factor(self):
        return self._noise.factor if self._noise else 1.0

    def _color_noise(self, strength, color_pca):
        if not 0 <= strength <= 100:
            raise DataError(f"the color noise must be from 0 to 100, not {strength:g}")
        if not strength or self.split != "train":
            return None
        deviations, vectors = color_pca or self.dataset.color_pca
        if len(deviations) != self.dataset.channels:
            raise DataError(f"{self.dataset.name}: color noise needs images of three channels")
        return ColorNoise(strength, deviations, vectors, self._seed, counter_rng.COLOR)

    def _place(self, matrix, cases, out):
        rows = self._heights[matrix]
        if out is None:
            return np.empty((rows, cases), np.float32)
        return out[matrix].reshape(-1)[: rows * cases].reshape(rows, cases)

    def _rows(self, matrix):
        rows = {0: self.dataset.channels * self.side**2, 1: self.dataset.targets or 1}
        if self.dataset.targets is None:
            rows[2] = self.dataset.classes
        elif matrix == 2:
            raise DataError(
                f"{self.dataset.name} has {self.dataset.targets:,} targets a case and no classes, "
                "so no matrix 2 of classes; the targets are matrix 1 (dataIdx=1)"
            )
        if matrix not in rows:
            raise DataError(f"the data has no matrix {matrix}; 0 is pixels, 1 labels, 2 one-hot")
        return rows[matrix]


def border(dataset: Dataset, side: int) -> int:
    """Return the width of the rim around a center crop; DataError if the images are too small."""
    if dataset.side < side:
        raise DataError(
            f"{dataset.name} has images of {dataset.side}x{dataset.side}, the network expects "
            f"{side}x{side}: {dataset.other_sizes}, or choose a network for smaller images "
            "(`convnet nets`)"
        )
    return (dataset.side - side) // 2
