"""Where boxes stand: a row by the longest way from the data, a lane within the device's column."""

from collections.abc import Iterable
from dataclasses import dataclass

from convnet.drawing.boxes import Box


@dataclass(frozen=True)
class Place:
    """row: from the top.  lane: within the box's column, from the left."""

    row: int
    lane: int


def arrange(boxes: list[Box]) -> dict[Box, Place]:
    """Return the place of each box; no two boxes of a column share one.

    boxes: sources before their readers.
    """
    rows = _rows(boxes)
    taken: set[tuple[int, int, int]] = set()
    places: dict[Box, Place] = {}
    for box in sorted(boxes, key=lambda box: (rows[box], not box.sources)):
        lane = _free_lane(box, rows[box], places, taken)
        taken.add((box.column, rows[box], lane))
        places[box] = Place(rows[box], lane)
    return places


def lanes(places: dict[Box, Place], column: int) -> int:
    """Return the number of lanes in a column."""
    return 1 + max(place.lane for box, place in places.items() if box.column == column)


def _rows(boxes: Iterable[Box]) -> dict[Box, int]:
    """Rows by the longest way; data stand directly above their first reader."""
    rows: dict[Box, int] = {}
    for box in boxes:
        rows[box] = 1 + max((rows[source] for source in box.sources), default=-1)
    for box in rows:
        if not box.sources and box.readers:
            rows[box] = min(rows[reader] for reader in box.readers) - 1
    return rows


def _free_lane(
    box: Box, row: int, places: dict[Box, Place], taken: set[tuple[int, int, int]]
) -> int:
    """The lane of the first source in the same column, if it is free, else the first free one.

    Data come last among the sources.
    """
    sources = sorted(box.sources, key=lambda source: not source.sources)
    wanted = [places[source].lane for source in sources if source.column == box.column]
    candidates: Iterable[int] = (*wanted, *range(len(places) + 1))
    return next(lane for lane in candidates if (box.column, row, lane) not in taken)
