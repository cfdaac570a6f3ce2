"""The most confident mistakes of a test, and its confusion matrix."""

from dataclasses import dataclass

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.report.test_result import MOST_MISTAKES, result_of_test, stored_result
from convnet.train.multiview import AveragedBatch
from convnet.train.prediction_files import Predictions, write_predictions

NAMES = ("ant", "bee", "cow")


@dataclass
class Cases:
    """Stands for a feed: minibatches of `size` cases, images whose pixels are their numbers."""

    size: int

    def indices(self, epoch, index):
        return np.arange(index * self.size, (index + 1) * self.size)

    def centers(self, indices):
        return np.broadcast_to(indices[:, None, None, None], (len(indices), 1, 2, 2))


def random_test(count=200, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet([0.5] * 3, count).T
    return probabilities, random.integers(-1, 3, count)


@pytest.mark.parametrize("size", [20, 100])  # fewer and more mistakes than are kept
def test_the_most_confident_mistakes_of_all_minibatches(size):
    probabilities, labels = random_test()
    batches = [
        AveragedBatch(at, probabilities[:, at * size :][:, :size], labels[at * size :][:size])
        for at in range(200 // size)
    ]
    found = result_of_test(batches, Cases(size), NAMES, "best")
    predicted, confidence = probabilities.argmax(axis=0), probabilities.max(axis=0)
    wrong = np.flatnonzero(predicted != labels)
    expected = wrong[np.argsort(-confidence[wrong], kind="stable")][:MOST_MISTAKES]
    assert [each.index for each in found.mistakes] == expected.tolist()
    for mistake in found.mistakes:
        case = mistake.index
        assert (mistake.true, mistake.predicted) == (labels[case], predicted[case])
        of_true = probabilities[labels[case], case] if labels[case] >= 0 else 0.0
        assert (mistake.of_predicted, mistake.of_true) == (confidence[case], of_true)
        assert (mistake.image == case).all()
    known = labels >= 0
    assert found.confusion.unknown == (~known).sum()
    assert found.confusion.right.sum() == (predicted == labels)[known].sum()
    assert found.confusion.class_names == NAMES


def test_of_equal_confidence_the_first_counts():
    probabilities = np.array([[0.9], [0.1]]).repeat(40, axis=1)
    batch = AveragedBatch(0, probabilities, np.ones(40, np.int64))
    found = result_of_test([batch], Cases(40), ("a", "b"), "")
    assert [each.index for each in found.mistakes] == list(range(MOST_MISTAKES))


def test_no_mistakes_and_no_cases():
    batch = AveragedBatch(0, np.eye(3), np.arange(3))
    assert result_of_test([batch], Cases(3), NAMES, "").mistakes == ()
    assert result_of_test([], Cases(3), NAMES, "").confusion.cases.sum() == 0


def test_stored_predictions_give_the_same_without_images(tmp_path):
    probabilities, labels = random_test(seed=1)
    labels = np.maximum(labels, 0)
    batch = AveragedBatch(0, probabilities.astype(np.float32), labels)
    made = result_of_test([batch], Cases(200), NAMES, "a")
    predictions = Predictions({1: probabilities.astype(np.float32)}, labels, NAMES, ("a",), "set")
    write_predictions(tmp_path, predictions)
    stored = stored_result(tmp_path)
    assert stored.mistakes == made.mistakes and stored.checkpoint == "a"
    assert stored.mistakes[0].image is None
    assert (stored.confusion.entries == made.confusion.entries).all()
    with pytest.raises(DataError, match="holds no predictions"):
        stored_result(tmp_path / "other")
