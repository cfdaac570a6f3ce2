"""Minibatches for a network: crops, flips and mean subtraction (dialect, 9.2), cases innermost.

Every minibatch is a pure function of (seed, epoch, index), so it can be made alone, in any order
and by any thread, and a run that is resumed sees what the run that was never stopped saw.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convnet.data import counter_rng
from convnet.data.color_noise import ColourNoise
from convnet.data.dataset import Dataset, check_split
from convnet.data.pipeline.arrange import arrange
from convnet.data.pipeline.mean import mean_crop
from convnet.errors import DataError

_TEN_VIEWS = ((0, 0), (0, 2), (1, 1), (2, 0), (2, 2))  # (y, x) in borders
_NINE_VIEWS = tuple((y, x) for y in range(3) for x in range(3))


@dataclass(frozen=True)
class Batch:
    """A minibatch.

    cases     number of cases, n
    matrices  dataIdx -> float32, C-contiguous: 0 pixels (channels*side*side, n), 1 labels (1, n),
              2 one-hot labels (classes, n)
    labels    int64 (n,)
    indices   the cases' places in their split, int64 (n,)
    """

    cases: int
    matrices: dict[int, np.ndarray]
    labels: np.ndarray
    indices: np.ndarray


class Feed:
    """Cuts a split of a data set into minibatches.

    side      side of the images that the network wants, pixels; the set's own if None
    shuffle   False takes the cases in stored order (the originals' way).  Test cases always are.
    augment   random crops, and mirror images if `flip`; test images are never augmented
    flip      default: when crops are taken and the set says a mirror image keeps its class
    mean      "image" (the centre of the training set's mean image), "scalar" (the mean of that
              image), "none", a number, or an array (channels, S, S) to cut like a mean image
    color_noise  strength c of the noise along the principal colours of training images; 0: none
    matrices  which of the matrices of `Batch` to make
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        minibatch: int,
        *,
        side: int | None = None,
        seed: int = 0,
        shuffle: bool = True,
        augment: bool = True,
        flip: bool | None = None,
        mean: str | float | np.ndarray = "image",
        color_noise: float = 0.0,
        matrices: tuple[int, ...] = (0, 1),
    ):
        check_split(split)
        if minibatch < 1:
            raise DataError(f"a minibatch has at least 1 case, not {minibatch}")
        self.dataset, self.split, self.minibatch_size = dataset, split, minibatch
        self.side = dataset.side if side is None else side
        self._border = _border(dataset, self.side)
        self._seed = seed
        self._shuffles = shuffle and split == "train"
        self._augments = augment and split == "train"
        self._flips = (self._border > 0 and dataset.mirrors) if flip is None else flip
        self._mean = mean_crop(dataset, self.side, mean)
        self._noise = self._colour_noise(color_noise)
        self._heights = {matrix: self._rows(matrix) for matrix in matrices}
        self._cuts = self._make_cuts()
        self._order = lru_cache(maxsize=2)(self._make_order)

    # -- what a minibatch holds

    @property
    def minibatches_per_epoch(self) -> int:
        return len(self._cuts)

    @property
    def data_batches_per_epoch(self) -> int:
        """Data batches an epoch goes through; the originals count progress in them."""
        return self._cuts[-1][0] + 1

    @property
    def shuffles(self) -> bool:
        """Whether the cases come in an order of their own in each epoch, or as they are stored."""
        return self._shuffles

    def data_batch_of(self, index: int) -> int:
        """Place, from 0, of the data batch that a minibatch belongs to.

        In stored order the data batches are the folder's own; otherwise each minibatch is one.
        """
        return self._cuts[index][0]

    def cases_of(self, index: int) -> int:
        _, start, end = self._cuts[index]
        return end - start

    def _make_cuts(self):
        """(data batch, start, end) of each minibatch of an epoch."""
        stored = None if self._shuffles else self.dataset.stored_batches(self.split)
        if stored is None:
            return list(_pieces(0, self.dataset.count(self.split), self.minibatch_size))
        cuts, start = [], 0
        for batch, cases in enumerate(stored.values()):
            pieces = _pieces(start, start + len(cases), self.minibatch_size)
            cuts += [(batch, first, last) for _, first, last in pieces]
            start += len(cases)
        return cuts

    def _make_order(self, epoch):
        if not self._shuffles:
            return np.arange(self.dataset.count(self.split))
        return self.dataset.epoch_order(self.split, self._seed, epoch)

    def indices(self, epoch: int, index: int) -> np.ndarray:
        """The cases of a minibatch, as places in the split."""
        if not 0 <= index < len(self._cuts):
            raise IndexError(f"an epoch has {len(self._cuts)} minibatches; there is no {index}")
        _, start, end = self._cuts[index]
        return self._order(epoch if self._shuffles else 0)[start:end]

    # -- making it

    def buffers(self) -> dict[int, np.ndarray]:
        """Arrays for one full minibatch, to be given as `out`.

        While worker processes decode the data set, the pixels' is one that these can fill.
        """
        size, workers = self.minibatch_size, self.dataset.workers
        made = {m: np.empty((rows, size), np.float32) for m, rows in self._heights.items()}
        if 0 in made and workers is not None:
            made[0] = workers.canvas(self._mean, size)
        return made

    def minibatch(self, epoch: int, index: int, out: dict | None = None) -> Batch:
        """Minibatch `index` of an epoch, both from 0; the last one of an epoch may be short.

        `out`, as `buffers` makes it, is overwritten and holds the result's matrices; those of a
        short minibatch are the beginning of its memory.
        """
        indices = self.indices(epoch, index)
        cuts, workers = self._augmented(epoch, indices), self.dataset.workers
        if out and workers is not None and workers.is_canvas(out.get(0)):
            with workers.make(out[0], self.split, indices, self.side, cuts, self._factor):
                return self._labelled(indices, out)
        with self.lend(indices) as images:
            return self._batch(indices, images, *cuts, out)

    def views(self, index: int, count: int, out: dict | None = None) -> Iterator[Batch]:
        """The same cases once for each of `count` views: 1, 10 or 9, in the order of dialect, 9.2.

        1: centre.  10: corners and centre, then their mirror images.  9: a 3x3 grid.
        """
        check_views(count)
        indices = self.indices(0, index)
        with self.lend(indices) as images:
            for view in range(count):
                yield self.view(indices, images, view, count, out)

    def view(self, indices, images, view: int, count: int, out: dict | None = None) -> Batch:
        """One view of cases; `images` as the data set lends them."""
        y, x, flipped = _views(count)[view]
        starts = np.tile(np.array([[y, x]]) * self._border, (len(indices), 1))
        return self._batch(indices, images, starts, np.full(len(indices), flipped), None, out)

    def lend(self, indices) -> AbstractContextManager:
        """The images of cases, if the pixels are wanted at all."""
        return self.dataset.lend(self.split, indices) if 0 in self._heights else nullcontext()

    def _augmented(self, epoch, indices):
        """Starts (y, x) of the crops, which are mirrored, and shifts of the colours, if any."""
        shifts = self._noise.shifts(epoch, indices) if self._noise else None
        if not self._augments:
            centre = np.full((len(indices), 2), self._border)
            return centre, np.zeros(len(indices), bool), shifts
        places = self.dataset.side - self.side + 1
        uses = counter_rng.CROP_Y, counter_rng.CROP_X, counter_rng.FLIP
        y, x, flip = (counter_rng.bits(self._seed, use, epoch, indices) for use in uses)
        starts = np.stack([counter_rng.below(bits, places) for bits in (y, x)], axis=1)
        return starts, self._flips & (counter_rng.below(flip, 2) == 1), shifts

    def _batch(self, indices, images, starts, flips, shifts, out):
        batch = self._labelled(indices, out)
        if 0 in batch.matrices:
            pixels = batch.matrices[0].reshape(self.dataset.channels, self.side, self.side, -1)
            arrange(images, starts, flips, self._mean, pixels, shifts, self._factor)
        return batch

    def _labelled(self, indices, out):
        """A minibatch whose pixels have yet to be made."""
        labels = self.dataset.labels(self.split, indices)
        matrices = {m: self._place(m, len(indices), out) for m in self._heights}
        if 1 in matrices:
            matrices[1][0] = labels
        if 2 in matrices:
            np.equal(labels, np.arange(self.dataset.classes)[:, np.newaxis], out=matrices[2])
        return Batch(len(indices), matrices, labels, indices)

    @property
    def _factor(self):
        return self._noise.factor if self._noise else 1.0

    def _colour_noise(self, strength):
        if not 0 <= strength <= 100:
            raise DataError(f"the colour noise is from 0 to 100, not {strength:g}")
        if not strength or self.split != "train":
            return None
        deviations, vectors = self.dataset.color_pca
        if len(deviations) != self.dataset.channels:
            raise DataError(f"{self.dataset.name}: colour noise is for images of three channels")
        return ColourNoise(strength, deviations, vectors, self._seed, counter_rng.COLOUR)

    def _place(self, matrix, cases, out):
        rows = self._heights[matrix]
        if out is None:
            return np.empty((rows, cases), np.float32)
        return out[matrix].reshape(-1)[: rows * cases].reshape(rows, cases)

    def _rows(self, matrix):
        rows = {0: self.dataset.channels * self.side**2, 1: 1, 2: self.dataset.classes}
        if matrix not in rows:
            raise DataError(f"the data has no matrix {matrix}; 0 is pixels, 1 labels, 2 one-hot")
        return rows[matrix]


def _pieces(start, end, size):
    """(number, start, end) of each piece of `size` of a range; the last may be short."""
    for number, first in enumerate(range(start, end, size)):
        yield number, first, min(first + size, end)


def check_views(count: int) -> None:
    if count not in (1, 9, 10):
        raise DataError(f"images are tested in 1, 9 or 10 views, not {count}")


def _views(count):
    if count == 1:
        return [(1, 1, False)]
    if count == 9:
        return [(y, x, False) for y, x in _NINE_VIEWS]
    return [(y, x, flipped) for flipped in (False, True) for y, x in _TEN_VIEWS]


def _border(dataset, side):
    """Pixels cut off at each side of a centre crop."""
    if dataset.side < side:
        raise DataError(
            f"{dataset.name} has images of {dataset.side}x{dataset.side}, the network wants "
            f"{side}x{side}: choose a data set with larger images, or a network with smaller ones"
        )
    return (dataset.side - side) // 2
