"""The errors of repeated runs: a point for each, the mean, and bars of a standard deviation."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from convnet.drawing.scene import Dot, Point, Polyline, Scene, Text
from convnet.drawing.text_width import fitted, width_of
from convnet.report.figures.axis import Axis, labels

POINT, MEAN, LOST = (
    "line0",
    "ink",
    "line1",
)  # colors, which differ in lightness; the marks differ in size and shape
WIDTH, TOP, BOTTOM, RIGHT = 900, 70, 54, 24
CURVE_HEIGHT, CURVE_LEFT = 420, 84
ROW = 30  # pixels of a group in a strip
MOST_ROWS = 60
_DECADE = 10.0  # ratio of the largest to the smallest value from which on their axis is logarithmic
_LABEL = 360  # the widest label, pixels
_CROSS, _SERIF = 4.0, 7.0  # half the sizes of a cross, and of a bar's ends
_RADIUS = 4.2  # of a run's point
_ASIDE = 0, 1, -1  # where a point moves that would hide another one, in its diameters


@dataclass(frozen=True)
class Group:
    """Runs that are alike but for their seeds.

    values: their errors.  at: what the number that they share is, for a curve.  lost: how many
    further runs have no error.
    """

    label: str
    values: tuple[float, ...]
    at: float | None = None
    lost: int = 0

    @property
    def ends(self) -> tuple[float, float] | None:
        """A standard deviation below and above the mean; None of fewer than two values."""
        if len(self.values) < 2:
            return None
        middle, deviation = mean(self.values), stdev(self.values)
        return middle - deviation, middle + deviation


@dataclass(frozen=True)
class Words:
    """The texts of a plot.  percent: errors are shown in percent."""

    title: str
    error: str
    key: str = ""
    percent: bool = True


def draw_spread(groups: Sequence[Group], words: Words) -> Scene:
    """Return a curve over `at` if all groups have one, else a strip of points for each group.

    The axis of `at` is logarithmic if the values span a decade.  A strip shows the first MOST_ROWS
    groups.
    """
    if groups and all(group.at is not None for group in groups):
        return _Curve(groups, words).draw()
    return _Strip(groups[:MOST_ROWS], words).draw()


class _Plot:
    """A scene with a title, a legend and an axis of errors.

    left, bottom: of the frame, pixels.
    """

    def __init__(self, groups: Sequence[Group], words: Words, left: float, height: float) -> None:
        self.groups, self.words = groups, words
        self.left, self.right, self.bottom = left, float(WIDTH - RIGHT), height - BOTTOM
        self.scene = Scene(WIDTH, height, words.title)
        self.errors = _with_room([v for g in groups for v in (*g.values, *(g.ends or ()))])
        self._head()

    def _head(self) -> None:
        title = fitted(self.words.title, 17, WIDTH - 2 * RIGHT, bold=True)
        self.scene.texts.append(Text((WIDTH / 2, 26), title, 17, bold=True))
        marks = {"each run": self.run, "mean ± standard deviation": self.mean}
        if any(group.lost for group in self.groups):
            marks["no error: see the table"] = self.lost
        x = self.right - sum(width_of(text, 12) + 40 for text in marks)
        for text, mark in marks.items():
            mark((x + 12, 48))
            self.scene.texts.append(Text((x + 26, 52), text, 12, anchor="start"))
            x += width_of(text, 12) + 40

    def line(self, start: Point, end: Point, role: str, width: float = 1.0) -> None:
        """Draw a straight line."""
        self.scene.polylines.append(Polyline((start, end), role, width))

    def run(self, at: Point) -> None:
        """Draw the point of a run."""
        self.scene.dots.append(Dot(at, _RADIUS, POINT))

    def mean(self, at: Point) -> None:
        """Draw a mean: a smaller point, in the color of the bar that it is the middle of."""
        self.scene.dots.append(Dot(at, 3.4, MEAN))

    def lost(self, at: Point) -> None:
        """Draw the mark of runs without an error: a cross."""
        x, y = at
        self.line((x - _CROSS, y - _CROSS), (x + _CROSS, y + _CROSS), LOST, 2)
        self.line((x - _CROSS, y + _CROSS), (x + _CROSS, y - _CROSS), LOST, 2)

    def frame(self) -> None:
        """Draw the frame."""
        corners = (self.left, TOP), (self.right, TOP), (self.right, self.bottom)
        around = (*corners, (self.left, self.bottom), (self.left, TOP))
        self.scene.polylines.append(Polyline(around, "frame"))

    def columns(self, axis: Axis, name: str, *, percent: bool) -> None:
        """Draw the marks and the name of the horizontal axis."""
        values = axis.marks(8)
        for value, label in zip(values, labels(values, percent=percent), strict=True):
            x = self.across(axis, value)
            self.line((x, TOP), (x, self.bottom), "grid")
            self.scene.texts.append(Text((x, self.bottom + 17), label, 12, "faint"))
        middle = (self.left + self.right) / 2
        self.scene.texts.append(Text((middle, self.bottom + 38), name, 12, "faint"))

    def across(self, axis: Axis, value: float) -> float:
        """Return the x of a value."""
        return self.left + axis.place(value) * (self.right - self.left)


class _Curve(_Plot):
    """Errors above the values of one key."""

    def __init__(self, groups: Sequence[Group], words: Words) -> None:
        ordered = sorted(groups, key=lambda group: group.at or 0.0)
        super().__init__(ordered, words, CURVE_LEFT, CURVE_HEIGHT)
        self.values = _axis_of_values([group.at or 0.0 for group in ordered])

    def draw(self) -> Scene:
        """Return the finished scene."""
        scale = " (logarithmic)" if self.values.log else ""
        self.columns(self.values, f"{self.words.key}{scale}", percent=False)
        self._rows()
        self.frame()
        means = [(self._x(g), self._y(mean(g.values))) for g in self.groups if g.values]
        self.scene.polylines.append(Polyline(tuple(means), MEAN, 1.4))
        for group in self.groups:
            self._group(group)
        for place in means:
            self.mean(place)
        return self.scene

    def _rows(self) -> None:
        values = self.errors.marks(6)
        for value, label in zip(values, labels(values, percent=self.words.percent), strict=True):
            y = self._y(value)
            self.line((self.left, y), (self.right, y), "grid")
            self.scene.texts.append(Text((self.left - 8, y + 4), label, 12, "faint", "end"))
        at = 20, (TOP + self.bottom) / 2
        self.scene.texts.append(Text(at, self.words.error, 12, "faint", upright=True))

    def _group(self, group: Group) -> None:
        x = self._x(group)
        if group.lost:
            self.lost((x, TOP + 10))
        if group.ends:
            low, high = map(self._y, group.ends)
            self.line((x, low), (x, high), MEAN, 1.6)
            for y in (low, high):
                self.line((x - _SERIF, y), (x + _SERIF, y), MEAN, 1.6)
        for y, aside in _beside([self._y(value) for value in group.values]):
            self.run((x + aside, y))

    def _x(self, group: Group) -> float:
        return self.across(self.values, group.at or 0.0)

    def _y(self, error: float) -> float:
        return self.bottom - self.errors.place(error) * (self.bottom - TOP)


class _Strip(_Plot):
    """A row for each group, with the errors from left to right."""

    def __init__(self, groups: Sequence[Group], words: Words) -> None:
        widest = max((width_of(_shortened(group.label), 13) for group in groups), default=0.0)
        super().__init__(groups, words, widest + 24, TOP + ROW * max(1, len(groups)) + BOTTOM)

    def draw(self) -> Scene:
        """Return the finished scene."""
        self.columns(self.errors, self.words.error, percent=self.words.percent)
        self.frame()
        for number, group in enumerate(self.groups):
            self._row(group, TOP + ROW * (number + 0.5))
        return self.scene

    def _row(self, group: Group, y: float) -> None:
        self.line((self.left, y), (self.right, y), "grid")
        label = Text((self.left - 8, y + 4), _shortened(group.label), 13, anchor="end")
        self.scene.texts.append(label)
        if group.lost:
            self.lost((self.right - 10, y))
        if group.ends:
            low, high = (self.across(self.errors, error) for error in group.ends)
            self.line((low, y), (high, y), MEAN, 1.6)
            for x in (low, high):
                self.line((x, y - _SERIF), (x, y + _SERIF), MEAN, 1.6)
        for x, aside in _beside([self.across(self.errors, value) for value in group.values]):
            self.run((x, y + aside))
        if group.values:
            self.mean((self.across(self.errors, mean(group.values)), y))


def _beside(places: list[float]) -> list[tuple[float, float]]:
    """Return each place with the pixels by which its point moves aside to hide no earlier one.

    Of more than three runs with one error, some points still lie on each other.
    """
    found: list[tuple[float, float]] = []
    for place in places:
        near = [aside for other, aside in found if abs(other - place) < _RADIUS]
        free = (2 * _RADIUS * step for step in _ASIDE)
        found.append((place, next((aside for aside in free if aside not in near), 0.0)))
    return found


def _shortened(label: str) -> str:
    return fitted(label, 13, _LABEL)


def _with_room(values: list[float]) -> Axis:
    """A linear axis on which the values stand clear of the frame."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 0.1
    return Axis(low - room, high + room)


def _axis_of_values(values: list[float]) -> Axis:
    low, high = min(values), max(values)
    if low > 0 and high / low >= _DECADE:
        room = (high / low) ** 0.06
        return Axis(low / room, high * room, log=True)
    room = (high - low) * 0.06 or abs(low) or 1.0
    return Axis(low - room, high + room)
