"""How a network does on its test data: the confusion matrix, and the most confident mistakes."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from convnet.data.pipeline.feed import Feed
from convnet.report.confusion import Confusion
from convnet.report.figures.predictions import class_name
from convnet.train.multiview import AveragedBatch
from convnet.train.prediction_files import read_predictions

MOST_MISTAKES = 24


@dataclass(frozen=True, order=True)
class Mistake:
    """A misclassified case; the more probable the wrong class, the larger.

    of_predicted, of_true: the probabilities of the wrong class and of the true one, 0 if the label
    names no class.  earlier: minus its position in the split, so that of equals the first counts.
    image: uint8 (channels, rows, columns), or None if it is not known.
    """

    of_predicted: float
    earlier: int
    true: int = field(compare=False)
    predicted: int = field(compare=False)
    of_true: float = field(compare=False)
    image: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def index(self) -> int:
        """The position of the case in the test split."""
        return -self.earlier


@dataclass(frozen=True, eq=False)
class TestResult:
    """A test of one network, or of an average.

    mistakes: the most confident ones, at most `MOST_MISTAKES`.  checkpoint: what was tested.
    """

    __test__ = False  # pytest: this is no test

    confusion: Confusion
    mistakes: tuple[Mistake, ...]
    checkpoint: str


def result_of_test(
    batches: Iterable[AveragedBatch], feed: Feed, class_names: tuple[str, ...], checkpoint: str
) -> TestResult:
    """Return the result of minibatches that were tested, with the images of the mistakes."""
    labels, predicted = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    kept: list[Mistake] = []
    for batch in batches:
        labels.append(batch.labels)
        predicted.append(batch.probabilities.argmax(axis=0))
        indices = feed.indices(0, batch.index)
        _keep(kept, _mistakes(batch.probabilities, batch.labels, indices))
    chosen = sorted(kept, reverse=True)
    images = feed.centers(np.array([each.index for each in chosen], np.int64)) if chosen else ()
    shown = [replace(each, image=image) for each, image in zip(chosen, images, strict=True)]
    both = np.concatenate(labels), np.concatenate(predicted)
    return TestResult(_confusion(*both, class_names), tuple(shown), checkpoint)


def stored_result(folder: Path) -> TestResult:
    """Return the result of the predictions in a folder, without images.  DataError.

    Of several views of each image it is that of their average.
    """
    found = read_predictions(folder)
    probabilities = found.by_views[max(found.by_views)]
    kept: list[Mistake] = []
    _keep(kept, _mistakes(probabilities, found.labels, np.arange(len(found.labels))))
    confusion = _confusion(found.labels, probabilities.argmax(axis=0), found.class_names)
    mistakes = tuple(sorted(kept, reverse=True))
    return TestResult(confusion, mistakes, ", ".join(found.checkpoints))


def _keep(kept: list[Mistake], more: Iterator[Mistake]) -> None:
    """Add mistakes to a heap of the most confident ones, whose least confident is first."""
    for mistake in more:
        add: Callable[[list[Mistake], Mistake], object] = heapq.heappush
        if len(kept) == MOST_MISTAKES:
            add = heapq.heappushpop
        add(kept, mistake)


def _mistakes(
    probabilities: np.ndarray, labels: np.ndarray, indices: np.ndarray
) -> Iterator[Mistake]:
    """Yield the mistakes among cases that can be among the most confident ones."""
    predicted = probabilities.argmax(axis=0)
    confidence = probabilities.max(axis=0)
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.lexsort((indices[wrong], -confidence[wrong]))]
    for case in order[:MOST_MISTAKES].tolist():
        true = int(labels[case])
        is_known = 0 <= true < len(probabilities)
        of_true = float(probabilities[true, case]) if is_known else 0.0
        place = -int(indices[case])
        yield Mistake(float(confidence[case]), place, true, int(predicted[case]), of_true)


def _confusion(labels: np.ndarray, predicted: np.ndarray, names: tuple[str, ...]) -> Confusion:
    classes = max(len(names), int(predicted.max(initial=0)) + 1)
    return Confusion.of(labels, predicted, tuple(class_name(names, n) for n in range(classes)))
