"""The worst-classified cases: those that a sort of all cases finds, with few in memory."""

import gc
import weakref

import numpy as np
import pytest

from convnet.train.multiview import AveragedBatch, averaged_batches
from convnet.train.worst import worst_cases
from tests.support.training import make_run

CLASSES, CASES = 5, 23


class Places:
    """Stands for a feed of which each minibatch has CASES cases."""

    def indices(self, epoch, index):
        return np.arange(index * CASES, (index + 1) * CASES)


def batch(index, coarse=False):
    rng = np.random.default_rng(index)
    probabilities = rng.dirichlet(np.ones(CLASSES), CASES).T
    if coarse:  # many equal ones
        probabilities = np.round(probabilities * 4) / 4
    return AveragedBatch(index, probabilities, rng.integers(0, CLASSES, CASES))


def expected(batches, count, only_errors):
    """Sort all cases."""
    rows = []
    for each in batches:
        for case, label in enumerate(each.labels.tolist()):
            column = each.probabilities[:, case]
            of_true = column[label] if 0 <= label < CLASSES else 0.0
            if not only_errors or column.argmax() != label:
                rows.append((of_true, -column.max(), each.index * CASES + case))
    return [row[2] for row in sorted(rows)[:count]]


@pytest.mark.parametrize("only_errors", [False, True])
@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("count", [1, 7, 40, 1000])
def test_they_are_those_that_a_sort_finds(count, coarse, only_errors):
    batches = [batch(index, coarse) for index in range(6)]
    found = worst_cases(iter(batches), Places(), count, only_errors=only_errors)
    assert [case.index for case in found] == expected(batches, count, only_errors)
    for case in found:
        source = batches[case.index // CASES]
        assert (case.probabilities == source.probabilities[:, case.index % CASES]).all()
        assert case.label == source.labels[case.index % CASES]


def test_a_label_of_no_class_is_worst():
    one = batch(0)
    one.labels[[4, 9]] = -1, CLASSES
    found = worst_cases([one], Places(), 2)
    assert sorted(case.index for case in found) == [4, 9]
    assert [case.index for case in found] == expected([one], 2, False)


def test_minibatches_are_not_kept():
    """Of each, at most `count` columns are copied."""
    alive = []

    def batches():
        for index in range(20):
            one = batch(index)
            alive.append(weakref.ref(one.probabilities))
            yield one
            del one

    found = worst_cases(batches(), Places(), 3)
    gc.collect()
    assert len(found) == 3 and not any(reference() is not None for reference in alive)
    assert all(case.probabilities.base is None for case in found)


def test_of_a_network():
    run = make_run()
    indices = list(range(run.test.minibatches_per_epoch))
    batches = list(averaged_batches(run.network, run.test, indices, 1))
    assert [len(one.labels) for one in batches] == [100, 100, 96]
    found = worst_cases(batches, run.test, 5)
    labels = np.concatenate([one.labels for one in batches])
    probabilities = np.concatenate([one.probabilities for one in batches], axis=1)
    order = np.argsort(probabilities[labels, np.arange(296)], kind="stable")
    assert [case.index for case in found] == order[:5].tolist()
