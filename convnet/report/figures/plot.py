"""A small line plot drawn with Pillow: panels with axes, lines, marks and a legend."""

from dataclasses import dataclass, field
from math import ceil, floor, log10

from PIL import Image, ImageDraw, ImageFont

FINE = 3  # pictures are drawn larger by this factor, then reduced, so that lines are smooth
INK, GRID, PAPER = (45, 45, 45), (228, 228, 228), (255, 255, 255)
# Apart for readers with any kind of color vision: by hue between blue and orange, and by lightness.
COLORS = ((31, 104, 178), (214, 84, 30), (0, 60, 92), (236, 160, 40), (110, 172, 214))
LEFT, RIGHT, TOP, BOTTOM = 74, 18, 34, 44  # pixels round a panel's frame

Point = tuple[float, float]
Color = tuple[int, int, int]


@dataclass
class Line:
    """One curve.  marked: with a dot at every point.  faint: in a light color, below the others."""

    label: str
    points: list[Point]
    color: Color
    marked: bool = False
    faint: bool = False


@dataclass
class Panel:
    """Curves on common axes.  log: a logarithmic y axis.  percent: y is shown in percent."""

    title: str
    x_label: str
    lines: list[Line] = field(default_factory=list)
    log: bool = False
    percent: bool = False


def draw(panels: list[Panel], title: str, width: int = 900, height: int = 330) -> Image.Image:
    """Return the panels one below the other, as an RGB picture of `width` pixels.

    height: of each panel, pixels.
    """
    head = 34
    picture = Image.new("RGB", (width * FINE, (head + height * len(panels)) * FINE), PAPER)
    pen = Pen(ImageDraw.Draw(picture))
    pen.text((width / 2, 20), title, 17, "mm")
    for number, panel in enumerate(panels):
        top = head + number * height
        frame = (LEFT, top + TOP, width - RIGHT, top + height - BOTTOM)
        _Axes(pen, panel, frame).draw()
    return picture.resize((picture.width // FINE, picture.height // FINE), Image.Resampling.LANCZOS)


def ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """Return about `wanted` round numbers from `low` to `high`, 1, 2 or 5 times 10**n apart."""
    span = max(high - low, 1e-12)
    step = 10 ** floor(log10(span / wanted))
    step *= min((1, 2, 5, 10), key=lambda factor: abs(span / (step * factor) - wanted))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


class Pen:
    """Draws in the coordinates of the reduced picture."""

    def __init__(self, draw: ImageDraw.ImageDraw):
        self.draw = draw

    def text(
        self, at: Point, text: str, size: int = 13, anchor: str = "lm", fill: Color = INK
    ) -> None:
        """Write text; anchor: as Pillow names it, by default left and middle."""
        font = ImageFont.load_default(size * FINE)
        self.draw.text((at[0] * FINE, at[1] * FINE), text, fill=fill, font=font, anchor=anchor)

    def width(self, text: str, size: int = 13) -> float:
        """Return the width of text in pixels."""
        return ImageFont.load_default(size * FINE).getlength(text) / FINE

    def line(self, points: list[Point], fill: Color, width: float = 1.0) -> None:
        """Draw a line through points."""
        scaled = [(x * FINE, y * FINE) for x, y in points]
        self.draw.line(scaled, fill=fill, width=max(1, round(width * FINE)), joint="curve")

    def dot(self, at: Point, radius: float, fill: Color) -> None:
        """Draw a filled circle."""
        x, y, r = at[0] * FINE, at[1] * FINE, radius * FINE
        self.draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=PAPER, width=FINE // 2)

    def box(
        self, frame: tuple[float, ...], fill: Color | None = None, outline: Color | None = None
    ) -> None:
        """Draw a rectangle; frame: left, top, right, bottom."""
        scaled = tuple(side * FINE for side in frame)
        self.draw.rectangle(scaled, fill=fill, outline=outline, width=FINE)


class _Axes:
    """The axes of a panel, and everything drawn in it."""

    def __init__(self, pen: Pen, panel: Panel, frame):
        self.pen, self.panel = pen, panel
        self.left, self.top, self.right, self.bottom = self.frame = frame
        points = [point for line in panel.lines for point in line.points]
        self.x_range = _range([0, *(x for x, _ in points)], 0.0)
        values = [y for _, y in points if not panel.log or y > 0] or [0.1, 1]
        self.y_range = _range([log10(y) for y in values] if panel.log else [*values, 0.0], 0.05)

    def draw(self):
        self._grid()
        for line in sorted(self.panel.lines, key=lambda line: not line.faint):
            self._curve(line)
        self.pen.box(self.frame, outline=INK)
        self.pen.text((self.left, self.top - 14), self.panel.title, 14)
        middle = (self.left + self.right) / 2
        self.pen.text((middle, self.bottom + 32), self.panel.x_label, 13, "mm")
        self._legend()

    def _grid(self):
        for value in ticks(*self.x_range, wanted=8):
            x = self._x(value)
            self.pen.line([(x, self.top), (x, self.bottom)], GRID)
            self.pen.text((x, self.bottom + 12), f"{value:g}", 12, "mm")
        for value in self._y_ticks():
            y = self._y(value)
            self.pen.line([(self.left, y), (self.right, y)], GRID)
            shown = f"{value * 100:.4g} %" if self.panel.percent else f"{value:.4g}"
            self.pen.text((self.left - 8, y), shown, 12, "rm")

    def _y_ticks(self):
        low, high = self.y_range
        if not self.panel.log:
            return ticks(low, high, 5)
        factors = (1, 2, 5) if high - low < 3 else (1,)
        powers = range(floor(low), ceil(high) + 1)
        values = [factor * 10.0**power for power in powers for factor in factors]
        return [value for value in values if low <= log10(value) <= high]

    def _curve(self, line):
        points = [(self._x(x), self._y(y)) for x, y in line.points if y > 0 or not self.panel.log]
        color = tuple((c + 2 * 255) // 3 for c in line.color) if line.faint else line.color
        if len(points) > 1:
            self.pen.line(points, color, 1.0 if line.faint else 1.8)
        for point in points if line.marked or len(points) == 1 else ():
            self.pen.dot(point, 3.2, color)

    def _legend(self):
        named = [line for line in self.panel.lines if line.label]
        right = self.right
        for line in reversed(named):
            right -= self.pen.width(line.label) + 38
            y = self.top - 14
            self.pen.line([(right + 8, y), (right + 28, y)], line.color, 2)
            if line.marked:
                self.pen.dot((right + 18, y), 3.2, line.color)
            self.pen.text((right + 34, y), line.label)

    def _x(self, value):
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def _y(self, value):
        low, high = self.y_range
        value = log10(value) if self.panel.log else value
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)


def _range(values, margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high <= low:
        return low, low + (abs(low) or 1.0)
    room = (high - low) * margin
    return (low if low == 0 else low - room), high + room
