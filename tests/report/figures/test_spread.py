"""The picture of repeated runs: where the marks are."""

from statistics import mean

import numpy as np
import pytest

from convnet.report.figures.spread import LOST, POINT, Group, Words, draw_spread

WORDS = Words("title", "error", "key")


def places(picture, color, tolerance=12):
    """(columns, rows) of the pixels of a color, below the legend; thin lines are lighter."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    hit = (abs(pixels - np.array(color)).sum(axis=2) < tolerance).nonzero()
    below = hit[0] > 70
    return hit[1][below], hit[0][below]


def bars(picture):
    """The rows of what is dark blue: means and their bars."""
    red, _, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(int), 2, 0)
    rows = ((blue - red > 40) & (red < 80)).nonzero()[0]
    return rows[rows > 70]


def clusters(numbers, gap=6):
    """The means of groups of numbers that are close."""
    numbers = np.unique(numbers)
    return [part.mean() for part in np.split(numbers, np.where(np.diff(numbers) > gap)[0] + 1)]


def curve(values, errors):
    groups = [Group(str(v), tuple(e), at=v) for v, e in zip(values, errors, strict=True)]
    return draw_spread(groups, WORDS)


ERRORS = [(0.3, 0.34), (0.2, 0.22), (0.1, 0.18)]


def test_decades_are_equally_far_apart():
    columns = clusters(places(curve([0.001, 0.01, 0.1], ERRORS), POINT)[0])
    assert len(columns) == 3
    assert columns[1] - columns[0] == pytest.approx(columns[2] - columns[1], abs=2)


def test_values_of_one_decade_have_a_linear_axis():
    columns = clusters(places(curve([1, 2, 4], ERRORS), POINT)[0])
    assert columns[2] - columns[1] == pytest.approx(2 * (columns[1] - columns[0]), abs=3)
    assert len(clusters(places(curve([0, 1, 100], ERRORS), POINT)[0])) >= 2


def test_every_run_is_a_point_and_the_mean_lies_between():
    rows = clusters(places(curve([1.0, 2.0], [(0.1, 0.5), (0.3, 0.3)]), POINT)[1], 3)
    picture = curve([1.0, 2.0], [(0.1, 0.5), (0.3, 0.3)])
    lines = bars(picture)
    assert min(lines) < min(rows) and max(lines) > max(rows), "the bar is longer than the range"
    assert len(rows) == 2, "the runs of the second value are under its mean"


def test_a_strip_has_a_row_for_each_group_in_their_order():
    groups = [Group("low", (0.1, 0.12)), Group("high", (0.4, 0.5)), Group("none", (), lost=2)]
    picture = draw_spread(groups, WORDS)
    columns, rows = places(picture, POINT)
    first, second = clusters(rows)
    assert first < second
    assert columns[rows < first + 8].max() < columns[rows > second - 8].min()
    lost = places(picture, LOST, 150)[1]
    assert len(clusters(lost, 9)) == 1 and lost.min() > second


def test_long_labels_and_many_groups_fit():
    groups = [Group("x" * 300, (n / 100,)) for n in range(100)]
    picture = draw_spread(groups, WORDS)
    assert picture.size == (900, 70 + 60 * 30 + 54)


@pytest.mark.parametrize("errors", [[()], [(0.0,)], [(0.2, 0.2)], [(1e-9, 3.0)]])
def test_extremes_can_be_drawn(errors):
    assert curve([0.1], errors).size == (900, 420)
    assert mean(draw_spread([Group("a", errors[0])], WORDS).resize((1, 1)).getpixel((0, 0))) > 200
