"""Plots of lines: where values stand, which part of a line is inside the frame."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnet.drawing import picture, svg
from convnet.drawing.style import LINES, ink
from convnet.report.figures.axis import Axis, axis_of
from convnet.report.figures.line_plot import LEFT, RIGHT, WIDTH, Line, Panel, cut, plot


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40), st.booleans())
def test_few_values_are_all_on_the_axis(values, log):
    axis = axis_of(values[:20], log=log)
    assert axis.low < axis.high
    places = [axis.place(value) for value in values[:20]]
    assert min(places) >= -1e-9 and max(places) <= 1 + 1e-9


def test_the_beginning_of_a_long_curve_may_be_beyond_a_linear_axis():
    values = [100.0, 50.0, *np.linspace(1.0, 0.1, 998)]
    axis = axis_of(values)
    assert axis.low == 0.0 and 0.9 < axis.high < 1.1
    assert axis_of(values, log=True).high > 100


def test_an_axis_that_would_lose_much_to_zero_does_not_begin_there():
    axis = axis_of([2.0, 1.9, 1.8])
    assert 1.7 < axis.low < 1.8
    assert axis_of([2.0, 0.1]).low == 0.0


@pytest.mark.parametrize("values", [[], [0.0], [-1.0, 0.0], [3.0, 3.0]])
@pytest.mark.parametrize("log", [False, True])
def test_axes_without_a_span(values, log):
    axis = axis_of(values, log=log)
    assert axis.low < axis.high and (axis.low > 0 or not log)
    assert all(axis.low <= mark <= axis.high * (1 + 1e-9) for mark in axis.marks(5))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.09, 2.2, [0.1, 0.2, 0.5, 1, 2]), (1e-6, 1, [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1])],
)
def test_marks_of_a_logarithmic_axis_are_round(low, high, expected):
    assert Axis(low, high, log=True).marks(5) == pytest.approx(expected)


def test_a_short_logarithmic_axis_has_marks_too():
    assert len(Axis(1.1, 1.7, log=True).marks(5)) > 1


def test_lines_are_cut_at_the_frame():
    """From (0, -10), above the frame, to (20, 30), below it, and back in."""
    pieces = cut([(0, -10), (20, 30), (30, 10)], 0, 20)
    assert pieces == [[(5, 0), (15, 20)], [(25, 20), (30, 10)]]
    assert cut([(0, 30), (5, 40)], 0, 20) == []
    assert cut([(0, 5), (1, 6), (2, 7)], 0, 20) == [[(0, 5), (1, 6), (2, 7)]]


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(-50, 50)), min_size=2, max_size=12))
def test_no_piece_leaves_the_frame(points):
    for piece in cut(points, 0, 20):
        assert all(-1e-6 <= y <= 20 + 1e-6 for _, y in piece)


def scene_of(**options):
    line = Line("values", [(0, 1.0), (5, 2.0), (10, 4.0)], LINES[0], marked=True)
    return plot([Panel("title", "x", "y", [line], **options)], "all")


@pytest.mark.parametrize("log", [False, True])
def test_a_line_stands_where_its_values_are(log):
    scene = scene_of(log=log)
    line = next(each for each in scene.polylines if len(each.points) == 3)
    (x, y), (x1, y1), (x2, y2) = line.points
    assert (x, x2) == (LEFT, WIDTH - RIGHT) and x1 == (x + x2) / 2
    assert y > y1 > y2
    assert (y - y1) / (y1 - y2) == pytest.approx(1 if log else 0.5)
    assert [dot.center for dot in scene.dots[:3]] == list(line.points)


def test_a_logarithmic_x_axis():
    points = [(1, 1.0), (10, 2.0), (100, 3.0)]
    scene = plot([Panel("t", "x", "y", [Line("", points, LINES[0])], log_x=True)], "all")
    line = next(each for each in scene.polylines if len(each.points) == 3)
    (x, _), (x1, _), (x2, _) = line.points
    assert x1 - x == pytest.approx(x2 - x1)


def test_a_long_legend_takes_several_lines():
    lines = [
        Line(f"a curve with a long name {i}", [(0, 1.0), (1, 2.0)], LINES[0]) for i in range(9)
    ]
    few, many = (plot([Panel("t", "x", "y", lines[:count])], "all") for count in (1, 9))
    assert many.height > few.height
    for text in many.texts:
        if text.text.startswith("a curve"):
            assert text.at[0] + 6 * len(text.text) < WIDTH + 20


def test_svg_holds_both_schemes_and_the_words():
    text = svg(scene_of())
    root = ElementTree.fromstring(text)
    written = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"all", "title", "x", "y", "values"} <= set(written)
    assert ink(LINES[0], "light") in text and ink(LINES[0], "dark") in text
    assert "prefers-color-scheme" in text and ".conv " not in text, "rules that nothing uses"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_has_the_colors_of_the_lines(theme):
    pixels = np.asarray(picture(scene_of(), theme)).reshape(-1, 3)
    color = list(bytes.fromhex(ink(LINES[0], theme)[1:]))
    assert (pixels == color).all(axis=1).sum() > 200


def test_panels_in_columns():
    """Three panels in two columns: two frames side by side, of one height, and one below."""
    line = Line("a", [(0.0, 1.0), (1.0, 2.0)], LINES[0])
    tall = [line, *(Line("a long label " * 3, line.points, LINES[1]) for _ in range(3))]
    panels = [Panel("one", "x", "y", [line]), Panel("two", "x", "y", tall), Panel("three", "x")]
    scene = plot(panels, "title", width=800, height=100, columns=2)
    frames = [p.points for p in scene.polylines if p.role == "frame"]
    (first, second, third) = [(min(frame), max(frame)) for frame in frames]
    assert first[0][0] == third[0][0] == LEFT and second[0][0] == 400 + LEFT
    assert first[1][0] == 400 - RIGHT and second[1][0] == 800 - RIGHT
    assert first[0][1] == second[0][1] and third[0][1] > second[1][1]
    upright = [text.at[0] for text in scene.texts if text.upright and text.text]
    assert upright == [20, 420]
