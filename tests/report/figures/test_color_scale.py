"""Colors for values: their order, what lies beyond a scale, and readers without some cones."""

from itertools import combinations

import numpy as np
import pytest

from convnet.drawing.style import LINES, ink
from convnet.report.figures import color_scale, predictions
from convnet.report.figures import confusion as confusion_picture
from convnet.report.figures.color_scale import (
    FROM_DARK,
    FROM_LIGHT,
    MANY,
    NOT_FINITE,
    TWO_SIDED,
    ColorScale,
    marks,
    scale_of,
)

# Colors as they look without one kind of cones, in linear RGB: Machado, Oliveira and Fernandes, "A
# Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.
WITHOUT = {
    "red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998]],
    "green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
              [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip

# Of the lines of plots, for each theme.
LINE_COLORS = [[tuple(bytes.fromhex(ink(role, theme)[1:])) for role in LINES]
               for theme in ("light", "dark")]  # fmt: skip


def linear(colors):
    """Return colors of 0..255 in linear RGB, 0..1 (IEC 61966-2-1)."""
    share = np.asarray(colors) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lightness(colors):
    """Return CIE L*, 0 to 100."""
    y = linear(colors) @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def seen(color, without):
    """Return a color as a reader without some cones sees it, 0..255, as in a picture."""
    values = np.clip(np.array(WITHOUT[without]) @ linear(color), 0, 1)
    return 255 * np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(("anchors", "sign"), [(FROM_DARK, 1), (FROM_LIGHT, -1)])
def test_lightness_orders_the_colors(anchors, sign):
    values = np.linspace(2, 5, 100)
    steps = np.diff(lightness(ColorScale(2, 5, anchors).shade(values)))
    assert (sign * steps > 0).all()
    assert abs(steps.sum()) > 75


def test_colors_darken_on_both_sides_of_0():
    scale = ColorScale(-3, 3, TWO_SIDED)
    found = [lightness(scale.shade(np.linspace(0, end, 50))) for end in (-3, 3)]
    assert all((np.diff(side) <= 0).all() and side[0] - side[-1] > 60 for side in found)
    left, right = scale.shade(np.array([-1.5, 1.5])).astype(int)
    assert left[0] > left[2] + 60 and right[2] > right[0] + 60  # orange, blue


@pytest.mark.parametrize("without", WITHOUT)
def test_colors_stay_apart_without_some_cones(without):
    pairs = [
        *(pair for colors in LINE_COLORS for pair in combinations(colors, 2)),
        (predictions.RIGHT, predictions.WRONG),
        (predictions.BAR, predictions.RIGHT_BAR),
        (confusion_picture.BAR, confusion_picture.TRACK),
    ]
    for one, other in pairs:
        assert np.abs(seen(one, without) - seen(other, without)).max() > 40, (one, other)


def test_the_comparison_knows_colors_that_are_confused():
    """A red and a green of equal lightness, which readers without green cones confuse."""
    red, green = (seen(color, "green") for color in ((190, 50, 40), (98, 98, 30)))
    assert np.abs(red - green).max() < 40


def test_a_scale_begins_at_0_or_is_symmetric():
    scale = scale_of(np.array([3.0, 5.0]))
    assert (scale.low, scale.high) == (0, 5)
    scale = scale_of(np.array([-1.0, 0.5]))
    assert (scale.low, scale.high) == (-1, 1)


def test_a_few_extreme_values_do_not_stretch_a_scale():
    values = np.linspace(0, 1, MANY)
    values[-1] = 1e6
    assert scale_of(values).high == pytest.approx(1, abs=0.01)
    assert scale_of(values[-50:]).high == 1e6  # of few values, all are drawn
    few = np.zeros(MANY)
    few[0] = 7
    assert scale_of(few).high == 7  # the percentile is 0


@pytest.mark.parametrize("values", [[], [0.0], [np.nan, np.inf]])
def test_nothing_to_scale(values):
    scale = scale_of(np.array(values))
    assert scale.low < scale.high and np.isfinite([scale.low, scale.high]).all()


def test_values_that_are_not_finite_have_a_color_of_their_own():
    scale = scale_of(np.array([0.0, 2.0, np.nan]))
    shades = scale.shade(np.array([np.nan, np.inf, -np.inf, 0.0, 9.0])).tolist()
    assert shades[:3] == [list(NOT_FINITE)] * 3
    assert shades[3] == list(FROM_DARK[0]) and shades[4] == list(FROM_DARK[-1])
    for anchors in (FROM_DARK, FROM_LIGHT, TWO_SIDED):
        table = color_scale._table(anchors).astype(int)
        assert np.abs(table - NOT_FINITE).max(axis=1).min() > 50


def test_a_rooted_scale_spreads_small_values():
    places = ColorScale(0, 1, FROM_LIGHT, rooted=True).place(np.array([0, 0.01, 0.25, 1]))
    assert places.tolist() == pytest.approx([0, 0.1, 0.5, 1])


def test_marks_are_the_ends_and_round_values_between():
    assert marks(ColorScale(0, 41.3, FROM_DARK)) == [0, 20, 41.3]
    assert marks(ColorScale(-4, 4, TWO_SIDED))[0::2] == pytest.approx([-4, 0, 4])
