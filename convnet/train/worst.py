"""The test cases that a network classifies worst, found in one pass over the test set."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from convnet.data.pipeline.feed import Feed
from convnet.train.multiview import AveragedBatch


@dataclass(frozen=True, order=True)
class Badness:
    """Orders cases: the lower the probability of the true class, the worse.

    Among equals, the more probable the wrong class, then the earlier the case.
    """

    below_true: float
    of_best: float
    earlier: int


@dataclass(frozen=True, order=True)
class WorstCase:
    """A test case: its position in the split, probabilities (classes,) and label."""

    badness: Badness
    index: int = field(compare=False)
    probabilities: np.ndarray = field(compare=False)
    label: int = field(compare=False)


def worst_cases(
    batches: Iterable[AveragedBatch], feed: Feed, count: int, *, only_errors: bool = False
) -> list[WorstCase]:
    """Return the `count` cases whose true class has the lowest probability, the worst first.

    No more than `count` cases are held in memory.  A label that names no class has probability 0.
    only_errors: leave out cases whose most probable class is the true one.
    """
    kept: list[WorstCase] = []  # a heap: the best of the worst is first
    for batch in batches:
        for case in _candidates(batch, feed, count, only_errors):
            if len(kept) < count:
                heapq.heappush(kept, case)
            elif case > kept[0]:
                heapq.heapreplace(kept, case)
    return sorted(kept, reverse=True)


def _candidates(
    batch: AveragedBatch, feed: Feed, count: int, only_errors: bool
) -> Iterable[WorstCase]:
    """Yield the `count` worst cases of a minibatch."""
    probabilities, labels = batch.probabilities, batch.labels
    cases = np.arange(len(labels))
    known = (labels >= 0) & (labels < len(probabilities))
    of_true = np.where(known, probabilities[np.where(known, labels, 0), cases], 0.0)
    of_best = probabilities.max(axis=0)
    indices = feed.indices(0, batch.index)
    order = np.lexsort((indices, -of_best, of_true))
    if only_errors:
        order = order[probabilities.argmax(axis=0)[order] != labels[order]]
    for case in order[:count].tolist():
        index = int(indices[case])
        badness = Badness(-float(of_true[case]), float(of_best[case]), -index)
        yield WorstCase(badness, index, probabilities[:, case].copy(), int(labels[case]))
