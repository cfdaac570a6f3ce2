"""What pictures are drawn with: a pen over Pillow's, with smooth lines, and round numbers."""

from math import ceil, floor, log10

from PIL import ImageDraw, ImageFont

FINE = 3  # pictures are drawn larger by this factor, then reduced, so that lines are smooth
INK, GRID, PAPER = (45, 45, 45), (228, 228, 228), (255, 255, 255)

Point = tuple[float, float]
Color = tuple[int, int, int]


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
