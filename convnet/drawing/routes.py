"""Curves from box to box.  Those that pass other rows run in the gaps between the lanes."""

from collections import defaultdict
from dataclasses import dataclass, field

from convnet.drawing.scene import Point

TRACK = 7  # pixels between two curves in one gap
TRACKS = (0, -1, 1)  # side by side in a gap, from its middle; further curves lie on the first


@dataclass(frozen=True)
class Way:
    """A curve to be drawn.

    start, end: the bottom of the source and the top of the reader.  passes: (top, bottom) of the
    rows in between, or None if there are none.  gap: middle of the gap in which it runs there.
    """

    start: Point
    end: Point
    passes: tuple[float, float] | None = None
    gap: float = 0


@dataclass
class Router:
    """Gives each curve that passes rows a track of its own in its gap."""

    _used: dict[tuple[float, int], list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def pieces(self, way: Way) -> tuple[tuple[Point, Point, Point], ...]:
        """Return the Bezier pieces of a curve."""
        if way.passes is None:
            return (_bend(way.start, way.end),)
        top, bottom = way.passes
        x = way.gap + self._track(way.gap, top, bottom) * TRACK
        first, last = (x, top), (x, bottom)
        return _bend(way.start, first), _straight(first, last), _bend(last, way.end)

    def _track(self, gap: float, top: float, bottom: float) -> int:
        """The first track, from the middle of the gap, that is free from top to bottom."""
        track = next((t for t in TRACKS if self._is_free(gap, t, top, bottom)), TRACKS[0])
        self._used[gap, track].append((top, bottom))
        return track

    def _is_free(self, gap: float, track: int, top: float, bottom: float) -> bool:
        return all(bottom <= other[0] or top >= other[1] for other in self._used[gap, track])


def _bend(start: Point, end: Point) -> tuple[Point, Point, Point]:
    """A piece that begins and ends vertically."""
    middle = (start[1] + end[1]) / 2
    return (start[0], middle), (end[0], middle), end


def _straight(start: Point, end: Point) -> tuple[Point, Point, Point]:
    return start, end, end
