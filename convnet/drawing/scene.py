"""What painters paint: rectangles, curves and texts, in pixels from the top left corner."""

from dataclasses import dataclass, field
from typing import Literal

Point = tuple[float, float]


@dataclass(frozen=True)
class Rectangle:
    """role: names its colors, see `style.py`."""

    left: float
    top: float
    width: float
    height: float
    role: str
    radius: float = 6


@dataclass(frozen=True)
class Curve:
    """A line through cubic Bezier pieces, with an arrowhead at its end unless `plain`.

    pieces: each the two control points and the end.
    """

    start: Point
    pieces: tuple[tuple[Point, Point, Point], ...]
    role: str
    width: float = 1.4
    dashed: bool = False
    plain: bool = False


@dataclass(frozen=True)
class Polyline:
    """Straight lines through points.  opacity: 0 to 1, of its color.  dashed: as a curve's."""

    points: tuple[Point, ...]
    role: str
    width: float = 1.0
    opacity: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Dot:
    """A filled circle with a rim of the background's color."""

    center: Point
    radius: float
    role: str


@dataclass(frozen=True)
class Text:
    """at: the point on the base line that `anchor` names.  size: in pixels."""

    at: Point
    text: str
    size: int
    role: str = "ink"
    anchor: Literal["start", "middle", "end"] = "middle"
    bold: bool = False
    upright: bool = False  # written from bottom to top; `at` is then the left end or the middle


@dataclass
class Scene:
    """A drawing: its size, its title and its parts; those below come first."""

    width: float
    height: float
    title: str
    rectangles: list[Rectangle] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    polylines: list[Polyline] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
