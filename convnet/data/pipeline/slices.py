"""How the cases of an epoch are divided into minibatches."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np


class Slice(NamedTuple):
    """The cases start..end-1 of an epoch, and the position of their data batch, from 0."""

    data_batch: int
    start: int
    end: int


def minibatch_slices(cases: int, size: int, stored: Mapping[int, np.ndarray] | None) -> list[Slice]:
    """Return the slices of an epoch of `cases` cases, of `size` cases at most.

    stored: number -> cases of each stored data batch; each is divided on its own, so that no
    minibatch spans two of them.  Without them, each minibatch counts as a data batch.
    """
    if stored is None:
        return [Slice(number, *limits) for number, limits in enumerate(_divided(0, cases, size))]
    slices, start = [], 0
    for number, batch in enumerate(stored.values()):
        end = start + len(batch)
        slices += [Slice(number, *limits) for limits in _divided(start, end, size)]
        start = end
    return slices


def _divided(start, end, size) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each part of `size` of a range; the last may be short."""
    for first in range(start, end, size):
        yield first, min(first + size, end)
