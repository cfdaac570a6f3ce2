"""The plot of repeated runs: where the marks are."""

from dataclasses import replace
from itertools import pairwise
from statistics import mean

import pytest

from convnet.drawing import picture, svg
from convnet.report.figures.spread import LOST, MEAN, POINT, TOP, Group, Words, draw_spread

WORDS = Words("title", "error", "key")


def runs_of(scene):
    """The places of the runs' points, below the legend, in order."""
    return [dot.center for dot in scene.dots if dot.role == POINT and dot.center[1] > TOP]


def lines_of(scene, role):
    """The lines of a role below the legend."""
    return [line for line in scene.polylines if line.role == role and line.points[0][1] > TOP]


def curve(values, errors):
    groups = [Group(str(v), tuple(e), at=v) for v, e in zip(values, errors, strict=True)]
    return draw_spread(groups, WORDS)


ERRORS = [(0.3, 0.34), (0.2, 0.22), (0.1, 0.18)]


def test_decades_are_equally_far_apart():
    columns = sorted({x for x, _ in runs_of(curve([0.001, 0.01, 0.1], ERRORS))})
    assert len(columns) == 3
    assert columns[1] - columns[0] == pytest.approx(columns[2] - columns[1])


def test_values_of_one_decade_have_a_linear_axis():
    columns = sorted({x for x, _ in runs_of(curve([1, 2, 4], ERRORS))})
    assert columns[2] - columns[1] == pytest.approx(2 * (columns[1] - columns[0]))


def test_a_value_of_zero_has_a_linear_axis():
    columns = sorted({x for x, _ in runs_of(curve([0, 1, 100], ERRORS))})
    assert columns[2] - columns[1] == pytest.approx(99 * (columns[1] - columns[0]))


def test_every_run_is_a_point_and_the_mean_lies_between():
    scene = curve([1.0, 2.0], [(0.1, 0.5), (0.3, 0.3)])
    rows = [y for _, y in runs_of(scene)]
    assert len(rows) == 4
    bar = next(line for line in lines_of(scene, MEAN) if line.width == 1.6)
    heights = sorted(y for _, y in bar.points)
    assert heights[0] < min(rows) and max(rows) < heights[1], "longer than the range of two runs"
    assert mean(rows[:2]) == pytest.approx(rows[2]), "the mean of 0.1 and 0.5 stands where 0.3 does"


def test_equal_errors_lie_side_by_side():
    group = Group("x", (0.04, 0.04, 0.05, 0.04), 1.0)
    points = runs_of(draw_spread([group], WORDS))
    level = sorted(x for x, y in points if y == max(y for _, y in points))
    assert len(level) == 3 and min(b - a for a, b in pairwise(level)) > 8
    strip = runs_of(draw_spread([replace(group, at=None)], WORDS))
    assert len(set(strip)) == 4


def test_a_strip_has_a_row_for_each_group_in_their_order():
    groups = [Group("low", (0.1, 0.12)), Group("high", (0.4, 0.5)), Group("none", (), lost=2)]
    scene = draw_spread(groups, WORDS)
    low, high = runs_of(scene)[:2], runs_of(scene)[2:]
    assert low[0][1] == low[1][1] < high[0][1] == high[1][1]
    assert max(x for x, _ in low) < min(x for x, _ in high)
    crosses = lines_of(scene, LOST)
    assert len(crosses) == 2 and crosses[0].points[0][1] > high[0][1]


def test_long_labels_and_many_groups_fit():
    groups = [Group("x" * 300, (n / 100,)) for n in range(100)]
    scene = draw_spread(groups, WORDS)
    assert (scene.width, scene.height) == (900, 70 + 60 * 30 + 54)
    assert len(runs_of(scene)) == 60
    assert all(0 <= x <= scene.width for x, _ in runs_of(scene))


@pytest.mark.parametrize("errors", [[()], [(0.0,)], [(0.2, 0.2)], [(1e-9, 3.0)]])
def test_extremes_can_be_drawn(errors):
    assert picture(curve([0.1], errors), "light").size == (1800, 840)
    assert svg(draw_spread([Group("a", errors[0])], WORDS), None).startswith("<svg")
