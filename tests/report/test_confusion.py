"""The confusion matrix: its numbers, its largest entries, and the picture."""

import json

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.report.confusion import Confusion
from convnet.report.confusion_counts import MOST_IN_MATRIX, Pair, lines_of_pairs
from convnet.report.figures.confusion import EMPTY, SCALE, confusion_picture

NAMES = ("cat", "dog", "fish", "yak")
LABELS = [0, 0, 0, 0, 1, 1, 2, 2, 2]
PREDICTED = [0, 1, 1, 2, 1, 0, 2, 0, 0]


def test_rows_are_true_classes_and_columns_predicted_ones():
    found = Confusion.of(LABELS, PREDICTED, NAMES)
    expected = [[1, 2, 1, 0], [1, 1, 0, 0], [2, 0, 1, 0], [0, 0, 0, 0]]
    assert found.matrix().tolist() == expected
    assert found.cases.tolist() == [4, 2, 3, 0] and found.right.tolist() == [1, 1, 1, 0]
    assert found.errors[:3].tolist() == pytest.approx([3 / 4, 1 / 2, 2 / 3])
    assert np.isnan(found.errors[3]) and found.error == pytest.approx(6 / 9)


def test_the_most_frequent_pairs_come_first_then_the_larger_shares():
    found = Confusion.of(LABELS, PREDICTED, NAMES)
    assert found.pairs() == [
        Pair(2, 0, 2, pytest.approx(2 / 3)),
        Pair(0, 1, 2, 1 / 2),
        Pair(1, 0, 1, 1 / 2),
        Pair(0, 2, 1, 1 / 4),
    ]
    assert lines_of_pairs(found, 2) == [
        "2 of 3 (66.7%): fish taken for cat",
        "2 of 4 (50.0%): cat taken for dog",
    ]
    assert lines_of_pairs(Confusion.of([1], [1], NAMES), 2) == ["no case is misclassified"]


def test_probabilities_count_by_their_largest():
    probabilities = np.eye(4)[PREDICTED] * 0.4 + 0.1
    found = Confusion.of(LABELS, probabilities, NAMES)
    assert (found.entries == Confusion.of(LABELS, PREDICTED, NAMES).entries).all()
    assert Confusion.of([0, 0], np.ones((2, 3))).class_names == ("class 0", "class 1", "class 2")


def test_labels_of_no_class_are_counted_apart():
    found = Confusion.of([0, -1, 9, 1], [0, 0, 1, 1], NAMES)
    assert found.unknown == 2 and found.matrix().sum() == 2 and found.error == 0
    assert found.facts()["cases_of_no_class"] == 2


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([0, 1], [0], "there are 2 labels, but 1 pred"),
        ([0.5], [0], "the labels are integers"),
        ([0], [0.5], "the predicted classes are integers"),
        ([[0]], [0], "found an array of shape"),
        ([0], [4], "class 4 is predicted, but there are 4 classes"),
        ([0], [-1], "class -1 is predicted"),
    ],
)
def test_arrays_that_do_not_fit(labels, predicted, message):
    with pytest.raises(DataError, match=message):
        Confusion.of(labels, predicted, NAMES)


def test_facts_are_plain_objects():
    found = Confusion.of(LABELS, PREDICTED, NAMES, "digits")
    facts = json.loads(json.dumps(found.facts(), allow_nan=False))
    assert facts["title"] == "digits" and facts["cases"] == 9
    assert facts["matrix"] == found.matrix().tolist()
    assert facts["classes"][3] == {"name": "yak", "cases": 0, "right": 0, "error": None}
    assert facts["confused"][0] == {"true": 2, "predicted": 0, "count": 2, "share": 2 / 3}
    assert Confusion.of([], np.empty(0, int), NAMES).facts()["error"] is None


def test_the_matrix_of_very_many_classes_is_not_written():
    """The pairs that occur say everything."""
    many = MOST_IN_MATRIX + 1
    labels = np.arange(many)
    facts = Confusion.of(labels, (labels + 1) % many).facts()
    assert "matrix" not in facts and len(facts["confused"]) == many


# -- the picture -----------------------------------------------------------------------------------


def share_color(share):
    return tuple(SCALE.shade(np.array(share)).tolist())


def boxes_of(picture, color):
    """Return (left, top) of the area that has a color, or None."""
    y, x = np.nonzero((np.asarray(picture) == color).all(axis=2))
    return (int(np.median(x)), int(np.median(y)), len(x)) if len(x) else None


def test_cells_have_the_color_of_their_share_of_the_row():
    picture = confusion_picture(Confusion.of(LABELS, PREDICTED, NAMES))
    dog_as_cat = boxes_of(picture, share_color(1 / 3))  # of fish: a third is right
    quarter = boxes_of(picture, share_color(1 / 4))  # cat, right and as fish
    two_thirds = boxes_of(picture, share_color(2 / 3))  # fish as cat
    assert two_thirds[2] > 1000 and quarter[2] > 2000 and dog_as_cat[2] > 1000
    assert two_thirds[0] < dog_as_cat[0]  # columns are predicted classes
    assert two_thirds[1] == pytest.approx(dog_as_cat[1], abs=3) and quarter[1] < two_thirds[1] - 60
    assert boxes_of(picture, EMPTY)[1] > two_thirds[1] + 30  # no yaks


@pytest.mark.parametrize("count", [1, 2, 12, 13, 26, 61, 102, 121, 1000, 2600])
def test_any_number_of_classes_fits(count):
    labels = np.repeat(np.arange(count), 3)
    predicted = np.where(np.arange(3 * count) % 3, labels, (labels + 1) % count)
    names = tuple(f"a class with a long name, {n}" for n in range(count))
    picture = confusion_picture(Confusion.of(labels, predicted, names, "title"))
    assert picture.width < 2000 and picture.height < 1700
    share = 1 / 3 if count > 1 else 1
    if count < 1000:
        assert boxes_of(picture, share_color(share))[2] >= count * 4


def test_large_counts_and_no_cases():
    labels = np.zeros(200_000, int)
    assert confusion_picture(Confusion.of(labels, labels, tuple("abcdefghijklm"))).width > 300
    assert confusion_picture(Confusion.of([], np.empty(0, int), NAMES)).width > 300


def test_names_are_safe_to_draw():
    found = Confusion.of([0, 1], [1, 0], ("a\x1b[31m\nb", "\ud800"))
    assert lines_of_pairs(found, 1)[0].isprintable()
    assert found.figure().width > 300
