"""The errors of repeated runs: a point for each, the mean, and bars of a standard deviation."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import mean, stdev

from PIL import Image, ImageDraw

from convnet.report.figures.plot import COLORS, FINE, GRID, INK, PAPER, Pen, Point, ticks

POINT, MEAN, LOST = COLORS[4], COLORS[2], COLORS[1]  # apart by lightness, and by shape
WIDTH, TOP, BOTTOM, RIGHT = 900, 70, 54, 24
ROW = 30  # pixels of a group in a strip
MOST_ROWS = 60
_DECADE = 10.0  # ratio of the largest to the smallest value from which on their axis is logarithmic
_LABEL = 360  # the widest label, pixels


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


@dataclass(frozen=True)
class Words:
    """The texts of a picture.  percent: errors are shown in percent."""

    title: str
    error: str
    key: str = ""
    percent: bool = True


def draw_spread(groups: Sequence[Group], words: Words) -> Image.Image:
    """Return a curve over `at` if all groups have one, else a strip of points for each group.

    The axis of `at` is logarithmic if the values span a decade.  A strip shows the first MOST_ROWS
    groups.
    """
    if groups and all(group.at is not None for group in groups):
        return _Curve(groups, words).draw()
    return _Strip(groups, words).draw()


class _Plot:
    """A picture with a title, a legend and an axis of errors."""

    def __init__(self, groups: Sequence[Group], words: Words, height: int) -> None:
        self.groups, self.words, self.height = groups, words, height
        self.picture = Image.new("RGB", (WIDTH * FINE, height * FINE), PAPER)
        self.pen = Pen(ImageDraw.Draw(self.picture))
        self.errors = _range([v for group in groups for v in _reach(group)])

    def finished(self) -> Image.Image:
        """The picture in its final size."""
        size = self.picture.width // FINE, self.picture.height // FINE
        return self.picture.resize(size, Image.Resampling.LANCZOS)

    def head(self) -> None:
        """Draw the title and the legend."""
        self.pen.text((WIDTH / 2, 20), self.words.title, 17, "mm")
        texts = ["each run", "mean ± standard deviation"]
        if any(group.lost for group in self.groups):
            texts.append("no error: see the table")
        x = WIDTH - RIGHT - sum(self.pen.width(text) + 40 for text in texts)
        for number, text in enumerate(texts):
            mark = (x + 12, 48)
            (self.run, self.middle, self.cross)[number](mark)
            self.pen.text((x + 26, 48), text)
            x += self.pen.width(text) + 40

    def run(self, at: Point) -> None:
        """Draw the point of a run."""
        self.pen.dot(at, 4.2, POINT)

    def middle(self, at: Point) -> None:
        """Draw a mean: a dark square."""
        x, y = at
        self.pen.box((x - 4, y - 4, x + 4, y + 4), fill=MEAN, outline=PAPER)

    def cross(self, at: Point) -> None:
        """Draw the mark of runs without an error."""
        x, y = at
        self.pen.line([(x - 4, y - 4), (x + 4, y + 4)], LOST, 2)
        self.pen.line([(x - 4, y + 4), (x + 4, y - 4)], LOST, 2)

    def shown(self, error: float) -> str:
        """An error as the axis shows it."""
        return f"{error * 100:.4g} %" if self.words.percent else f"{error:.4g}"


class _Curve(_Plot):
    """Errors above the values of one key."""

    def __init__(self, groups: Sequence[Group], words: Words) -> None:
        super().__init__(sorted(groups, key=lambda group: group.at or 0.0), words, 420)
        self.frame = (84, TOP, WIDTH - RIGHT, self.height - BOTTOM)
        values = [group.at for group in self.groups if group.at is not None]
        self.is_log = min(values) > 0 and max(values) / min(values) >= _DECADE
        places = [log10(v) if self.is_log else v for v in values]
        room = (max(places) - min(places)) * 0.06 or abs(places[0]) or 1.0
        self.range = (min(places) - room, max(places) + room)

    def draw(self) -> Image.Image:
        self.head()
        self._axes()
        means = [(g, mean(g.values)) for g in self.groups if g.values]
        self.pen.line([(self._x(g.at or 0.0), self._y(m)) for g, m in means], MEAN, 1.4)
        for group in self.groups:
            x = self._x(group.at or 0.0)
            if group.lost:
                self.cross((x, self.frame[1] + 10))
            if len(group.values) > 1:
                self._bar(x, mean(group.values), stdev(group.values))
            for value in group.values:
                self.run((x, self._y(value)))
        for group, middle in means:
            self.middle((self._x(group.at or 0.0), self._y(middle)))
        return self.finished()

    def _bar(self, x: float, middle: float, deviation: float) -> None:
        ends = [self._y(middle - deviation), self._y(middle + deviation)]
        self.pen.line([(x, ends[0]), (x, ends[1])], MEAN, 1.6)
        for y in ends:
            self.pen.line([(x - 7, y), (x + 7, y)], MEAN, 1.6)

    def _axes(self) -> None:
        left, top, right, bottom = self.frame
        for value in ticks(*self.errors, wanted=6):
            y = self._y(value)
            self.pen.line([(left, y), (right, y)], GRID)
            self.pen.text((left - 8, y), self.shown(value), 12, "rm")
        for value in self._x_ticks():
            x = self._x(value)
            self.pen.line([(x, top), (x, bottom)], GRID)
            self.pen.text((x, bottom + 13), f"{value:g}", 12, "mm")
        self.pen.box(self.frame, outline=INK)
        self.pen.text((left, 48), self.words.error, 14)
        scale = " (logarithmic)" if self.is_log else ""
        self.pen.text(((left + right) / 2, bottom + 36), f"{self.words.key}{scale}", 13, "mm")

    def _x_ticks(self) -> list[float]:
        low, high = self.range
        if not self.is_log:
            return ticks(low, high, 8)
        factors = (1, 2, 5) if high - low < 4 else (1,)
        powers = range(floor(low), ceil(high) + 1)
        values = [factor * 10.0**power for power in powers for factor in factors]
        return [value for value in values if low <= log10(value) <= high]

    def _x(self, value: float) -> float:
        low, high = self.range
        left, _, right, _ = self.frame
        place = log10(value) if self.is_log else value
        return left + (place - low) / (high - low) * (right - left)

    def _y(self, error: float) -> float:
        low, high = self.errors
        _, top, _, bottom = self.frame
        return bottom - (error - low) / (high - low) * (bottom - top)


class _Strip(_Plot):
    """A row for each group, with the errors from left to right."""

    def __init__(self, groups: Sequence[Group], words: Words) -> None:
        shown = groups[:MOST_ROWS]
        super().__init__(shown, words, TOP + ROW * max(1, len(shown)) + BOTTOM)
        widest = max((self.pen.width(group.label) for group in shown), default=0.0)
        self.frame = (min(widest, _LABEL) + 24, TOP, WIDTH - RIGHT, self.height - BOTTOM)

    def draw(self) -> Image.Image:
        self.head()
        left, top, right, bottom = self.frame
        for value in ticks(*self.errors, wanted=7):
            x = self._x(value)
            self.pen.line([(x, top), (x, bottom)], GRID)
            self.pen.text((x, bottom + 13), self.shown(value), 12, "mm")
        for number, group in enumerate(self.groups):
            self._row(group, top + ROW * (number + 0.5))
        self.pen.box(self.frame, outline=INK)
        self.pen.text(((left + right) / 2, bottom + 36), self.words.error, 13, "mm")
        return self.finished()

    def _row(self, group: Group, y: float) -> None:
        left, _, right, _ = self.frame
        self.pen.line([(left, y), (right, y)], GRID)
        self.pen.text((left - 8, y), self._shortened(group.label), 13, "rm")
        if group.lost:
            self.cross((right - 10, y))
        if len(group.values) > 1:
            middle, deviation = mean(group.values), stdev(group.values)
            ends = [self._x(middle - deviation), self._x(middle + deviation)]
            self.pen.line([(ends[0], y), (ends[1], y)], MEAN, 1.6)
            for x in ends:
                self.pen.line([(x, y - 7), (x, y + 7)], MEAN, 1.6)
        for value in group.values:
            self.run((self._x(value), y))
        if group.values:
            self.middle((self._x(mean(group.values)), y))

    def _shortened(self, label: str) -> str:
        if self.pen.width(label) <= _LABEL:
            return label
        while label and self.pen.width(label + "...") > _LABEL:
            label = label[:-1]
        return label + "..."

    def _x(self, error: float) -> float:
        low, high = self.errors
        left, _, right, _ = self.frame
        return left + (error - low) / (high - low) * (right - left)


def _reach(group: Group) -> list[float]:
    """The errors of a group and the ends of its bar."""
    values = list(group.values)
    if len(values) > 1:
        middle, deviation = mean(values), stdev(values)
        values += [middle - deviation, middle + deviation]
    return values


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 0.1
    return low - room, high + room
