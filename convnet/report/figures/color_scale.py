"""Which color a value is drawn in, and the bar that explains the colors.

Lightness alone orders the colors of a scale, and no scale sets red against green, so that readers
with any kind of color vision see the same order.
"""

from dataclasses import dataclass
from math import isclose

import numpy as np

from convnet.report.figures.pen import INK, Color, Pen, ticks

SHADES = 256
NOT_FINITE = (255, 0, 200)  # in no scale
ROBUST, MANY = 99.5, 1000  # percentile of the values that a scale of so many covers

Anchors = tuple[Color, ...]
# From dark to light; from light to dark; and two colors that darken on both sides of white.
FROM_DARK: Anchors = ((13, 19, 56), (35, 76, 140), (62, 140, 178), (148, 200, 160), (255, 246, 196))
FROM_LIGHT: Anchors = (
    (255, 255, 255),
    (196, 221, 238),
    (110, 168, 212),
    (30, 98, 166),
    (8, 38, 92),
)
TWO_SIDED: Anchors = (
    *((94, 44, 0), (200, 100, 20), (247, 189, 128), (250, 250, 250)),
    *((150, 199, 229), (38, 116, 184), (8, 40, 92)),
)


@dataclass(frozen=True)
class ColorScale:
    """Colors for the values from `low` to `high`; those beyond have the color of the end.

    rooted: the color follows the square root of the value's share of the range, so that small
    values differ visibly.
    """

    low: float
    high: float
    anchors: Anchors
    rooted: bool = False

    def shade(self, values: np.ndarray) -> np.ndarray:
        """Return the colors of values: uint8 (..., 3).  Values that are not finite stand out."""
        finite = np.isfinite(values)
        places = self.place(np.where(finite, values, self.low))
        found = _table(self.anchors)[np.rint(places * (SHADES - 1)).astype(np.intp)]
        found[~finite] = NOT_FINITE
        return found

    def place(self, values: np.ndarray) -> np.ndarray:
        """Return where values lie in the scale, 0 to 1."""
        span = self.high - self.low
        share = np.clip((np.asarray(values, np.float64) - self.low) / span, 0, 1)
        return np.sqrt(share) if self.rooted else share


PROBABILITY = ColorScale(0.0, 1.0, FROM_DARK)


def scale_of(values: np.ndarray) -> ColorScale:
    """Return a scale for values: from 0 if none is negative, else symmetric around 0.

    It ends at the percentile ROBUST of the absolute values, so that a few extreme ones do not
    darken all others; of fewer than MANY values, at the largest.  Values that are not finite do
    not count.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    signed = bool((finite < 0).any())
    size = np.abs(finite)
    high = float(np.percentile(size, ROBUST)) if size.size >= MANY else 0.0
    high = high or float(size.max(initial=0)) or 1.0
    return ColorScale(-high, high, TWO_SIDED) if signed else ColorScale(0.0, high, FROM_DARK)


def _table(anchors: Anchors) -> np.ndarray:
    """Return SHADES colors between the anchors, uint8 (SHADES, 3)."""
    places = np.linspace(0, len(anchors) - 1, SHADES)
    columns = np.array(anchors, np.float64).T
    steps = np.arange(len(anchors))
    found = np.stack([np.interp(places, steps, column) for column in columns], axis=1)
    return np.rint(found).astype(np.uint8)


def draw_bar(
    pen: Pen, scale: ColorScale, frame: tuple[float, float, float, float], values: list[float]
) -> None:
    """Draw the colors of a scale from left to right, and marks below it at some values.

    frame: left, top, right, bottom of the colors.
    """
    left, top, right, bottom = frame
    table, width = _table(scale.anchors), (right - left) / SHADES
    for number, (red, green, blue) in enumerate(table.tolist()):
        x = left + number * width
        pen.box((x, top, x + width, bottom), (red, green, blue))
    pen.box(frame, outline=INK)
    for value in values:
        x = left + float(scale.place(np.array(value))) * (right - left)
        pen.line([(x, bottom), (x, bottom + 4)], INK)
        pen.text((x, bottom + 12), number_text(value), 11, "mm")


def marks(scale: ColorScale) -> list[float]:
    """Return round values of a scale to mark, and its ends."""
    span = scale.high - scale.low
    inner = [v for v in ticks(scale.low, scale.high, 3) if scale.low < v < scale.high]
    apart = [v for v in inner if min(v - scale.low, scale.high - v) > 0.17 * span]
    return [scale.low, *apart, scale.high]


def number_text(value: float) -> str:
    """Return a value in at most three digits."""
    return "0" if isclose(value, 0, abs_tol=1e-12) else f"{value:.3g}"
