"""A plot: panels with axes, lines, dots and a legend, as a `Scene` to be painted.

The axes are our own and not matplotlib's: the plots are SVG files that follow the reader's
preference for light or dark, painted by the same code as drawings of networks, and `make demo` and
the notebook need no 70 MB of further packages.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from convnet.display import harmless
from convnet.drawing.scene import Dot, Point, Polyline, Scene, Text
from convnet.drawing.text_width import fitted, width_of
from convnet.report.figures.axis import Axis, axis_of, labels

WIDTH, HEIGHT = 900, 290  # pixels of the scene: of all, and of each panel's frame
LEFT, RIGHT = 84, 20  # beside the frames
TITLE, FOOT, LINE = (
    44,
    52,
    20,
)  # heights: of the title, of what is below a frame, of a legend's line
_SWATCH, _GAP = 24, 18  # widths in a legend
_FAINT = 0.35
_PADDING = 6


@dataclass(frozen=True)
class Line:
    """A curve.  role: its color, one of `convnet.drawing.style.LINES`.

    label: "" for none in the legend.  bold: wider than others.  marked: with a dot at each point.
    faint: thin and light, below the others; the axis need not show all of it.
    """

    label: str
    points: list[Point]
    role: str
    bold: bool = False
    marked: bool = False
    faint: bool = False
    dashed: bool = False


@dataclass
class Panel:
    """Lines on common axes.

    title: above the frame.  x_label, y_label: with their units.  log, log_x: logarithmic axes.
    percent: y is shown in percent.
    """

    title: str
    x_label: str
    y_label: str = ""
    lines: list[Line] = field(default_factory=list)
    log: bool = False
    log_x: bool = False
    percent: bool = False


def plot(
    panels: list[Panel], title: str, *, width: int = WIDTH, height: int = HEIGHT, columns: int = 1
) -> Scene:
    """Return the panels row by row.  width: of all; height: of each frame, pixels."""
    across = width / columns
    legends = [_legend(panel, across - LEFT - RIGHT) for panel in panels]
    frames, top = [], float(TITLE)
    for first in range(0, len(panels), columns):
        row = legends[first : first + columns]
        top += 24 + LINE * max(map(len, row))
        for place in range(len(row)):
            left, right = place * across + LEFT, (place + 1) * across - RIGHT
            frames.append(_Frame(left, top, right, top + height))
        top += height + FOOT
    scene = Scene(width, top, harmless(title))
    shown = fitted(title, 17, width - 2 * RIGHT, bold=True)
    scene.texts.append(Text((width / 2, 27), shown, 17, bold=True))
    for panel, legend, frame in zip(panels, legends, frames, strict=True):
        _draw_panel(scene, panel, legend, frame)
    return scene


@dataclass(frozen=True)
class _Frame:
    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self) -> tuple[Point, ...]:
        """All four, and the first one again."""
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        return (left, top), (right, top), (right, bottom), (left, bottom), (left, top)


def _draw_panel(scene: Scene, panel: Panel, legend: list[list[Line]], frame: _Frame) -> None:
    axes = _Axes(panel, frame)
    axes.draw_grid(scene)
    for line in sorted(panel.lines, key=lambda line: (not line.faint, line.bold)):
        axes.draw(scene, line)
    scene.polylines.append(Polyline(frame.corners, "frame"))
    _draw_words(scene, panel, legend, frame)


class _Axes:
    """Both axes of a panel."""

    def __init__(self, panel: Panel, frame: _Frame) -> None:
        self.panel, self.frame = panel, frame
        solid = [line for line in panel.lines if not line.faint] or panel.lines
        faint = [line for line in panel.lines if line not in solid]
        values, scattered = (
            [y for line in lines for _, y in line.points] for lines in (solid, faint)
        )
        self.y = axis_of(values, scattered, log=panel.log)
        steps = [x for line in panel.lines for x, _ in line.points]
        self.x = _whole(steps, log=panel.log_x)

    def place(self, point: Point) -> Point:
        """Return where a point of a line stands in the scene."""
        frame = self.frame
        x = frame.left + self.x.place(point[0]) * (frame.right - frame.left)
        return x, frame.bottom - self.y.place(point[1]) * (frame.bottom - frame.top)

    def draw_grid(self, scene: Scene) -> None:
        """Draw a line and a number at each mark of the axes."""
        frame, texts = self.frame, scene.texts
        values = self.x.marks(8)
        for value, label in zip(values, labels(values), strict=True):
            x = frame.left + self.x.place(value) * (frame.right - frame.left)
            scene.polylines.append(Polyline(((x, frame.top), (x, frame.bottom)), "grid"))
            texts.append(Text((x, frame.bottom + 17), label, 12, "faint"))
        values = self.y.marks(5)
        for value, label in zip(values, labels(values, percent=self.panel.percent), strict=True):
            y = frame.bottom - self.y.place(value) * (frame.bottom - frame.top)
            scene.polylines.append(Polyline(((frame.left, y), (frame.right, y)), "grid"))
            texts.append(Text((frame.left - 8, y + 4), label, 12, "faint", "end"))

    def draw(self, scene: Scene, line: Line) -> None:
        """Draw a line, cut off at the frame."""
        is_shown = [
            (y > 0 or not self.panel.log) and (x > 0 or not self.panel.log_x)
            for x, y in line.points
        ]
        points = [
            self.place(point) for point, shown in zip(line.points, is_shown, strict=True) if shown
        ]
        width = 2.4 if line.bold else 1.0 if line.faint else 1.6
        opacity = _FAINT if line.faint else 1.0
        for piece in cut(points, self.frame.top, self.frame.bottom):
            scene.polylines.append(Polyline(tuple(piece), line.role, width, opacity, line.dashed))
        for point in points if line.marked or len(points) == 1 else ():
            if self.frame.top <= point[1] <= self.frame.bottom:
                scene.dots.append(Dot(point, 3.2, line.role))


def _whole(values: list[float], *, log: bool) -> Axis:
    """The axis from 0, or the least value, to the largest."""
    found = [value for value in values if value > 0 or not log]
    if log and found:
        low, high = min(found), max(found)
        return Axis(low, high, log=True) if low < high else Axis(low / 2, low * 2, log=True)
    high = max(found, default=1.0)
    low = min(0.0, min(found, default=0.0))
    return Axis(low, high if high > low else low + 1)


def cut(points: list[Point], top: float, bottom: float) -> list[list[Point]]:
    """Return the pieces of a line that lie between two heights, top < bottom."""
    pieces: list[list[Point]] = []
    for start, end in pairwise(points):
        part = _between(start, end, top, bottom)
        if part is None:
            continue
        if pieces and pieces[-1][-1] == part[0]:
            pieces[-1].append(part[1])
        else:
            pieces.append(list(part))
    return pieces


def _between(start: Point, end: Point, top: float, bottom: float) -> tuple[Point, Point] | None:
    """The part of a straight line between two heights; None if it lies outside."""
    (x, y), (to_x, to_y) = start, end
    if max(y, to_y) < top or min(y, to_y) > bottom:
        return None

    def moved(point: Point) -> Point:
        limit = min(max(point[1], top), bottom)
        if limit == point[1]:
            return point
        return x + (to_x - x) * (limit - y) / (to_y - y), limit

    return moved(start), moved(end)


# -- words -----------------------------------------------------------------------------------------


def _legend(panel: Panel, width: float) -> list[list[Line]]:
    """The named lines, in as many lines of text as they need."""
    rows: list[list[Line]] = []
    used = width
    for line in panel.lines:
        if not line.label:
            continue
        size = _SWATCH + _PADDING + _GAP + width_of(_shortened(line.label), 12)
        if used + size > width:
            rows.append([])
            used = 0.0
        rows[-1].append(line)
        used += size
    return rows


def _shortened(label: str) -> str:
    return fitted(label, 12, 300)


def _draw_words(scene: Scene, panel: Panel, legend: list[list[Line]], frame: _Frame) -> None:
    top = frame.top - LINE * len(legend) - 8
    title = fitted(panel.title, 14, frame.right - frame.left, bold=True)
    scene.texts.append(Text((frame.left, top), title, 14, anchor="start", bold=True))
    middle = (frame.left + frame.right) / 2
    scene.texts.append(Text((middle, frame.bottom + 36), panel.x_label, 12, "faint"))
    at = frame.left - LEFT + 20, (frame.top + frame.bottom) / 2
    scene.texts.append(Text(at, panel.y_label, 12, "faint", upright=True))
    for number, row in enumerate(legend):
        _draw_legend_row(scene, row, frame.left, top + LINE * (number + 1))


def _draw_legend_row(scene: Scene, row: list[Line], left: float, y: float) -> None:
    for line in row:
        ends = (left, y - 4), (left + _SWATCH, y - 4)
        width = 2.4 if line.bold else 1.6
        scene.polylines.append(Polyline(ends, line.role, width, dashed=line.dashed))
        if line.marked:
            scene.dots.append(Dot((left + _SWATCH / 2, y - 4), 3.2, line.role))
        left += _SWATCH + _PADDING
        label = _shortened(line.label)
        scene.texts.append(Text((left, y), label, 12, "ink", "start"))
        left += width_of(label, 12) + _GAP
