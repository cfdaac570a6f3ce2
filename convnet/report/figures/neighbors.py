"""A picture of images and their nearest neighbors, as in Figure 4 (right) of the paper."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from convnet.report.figures.pen import FINE, INK, PAPER, Pen
from convnet.report.figures.predictions import RIGHT, WRONG, class_name, enlarged, shortened

CELL, GAP, NAME = 118, 10, 26  # pixels: side of an image, between images, the name below
HEAD, APART = 62, 20  # titles; between the queries and their neighbors


@dataclass(frozen=True)
class Shown:
    """An image, uint8 (channels, S, S), its class, and a note beside the name of the class."""

    image: np.ndarray
    label: int
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A query and its neighbors, the nearest first."""

    query: Shown
    found: list[Shown] = field(default_factory=list)


def neighbors_picture(
    rows: list[Row], class_names: tuple[str, ...], title: str, found_title: str
) -> Image.Image:
    """Return a picture with one row per query; names of neighbors of its class are blue."""
    columns = max(len(row.found) for row in rows)
    size = _left(columns) + CELL + GAP, HEAD + len(rows) * (CELL + NAME)
    large = Image.new("RGB", (size[0] * FINE, size[1] * FINE), PAPER)
    pen = Pen(ImageDraw.Draw(large))
    pen.text((GAP, 20), title, 16)
    for column, text in ((0, "query"), (1, found_title)):
        pen.text((_left(column), HEAD - 14), text, 12)
    places = []
    for number, row in enumerate(rows):
        top = HEAD + number * (CELL + NAME)
        for column, shown in enumerate([row.query, *row.found]):
            right = shown.label == row.query.label
            color = INK if column == 0 else RIGHT if right else WRONG
            _write_name(pen, shown, class_names, (_left(column), top + CELL), color)
            places.append((shown.image, (_left(column), top)))
    picture = large.resize(size, Image.Resampling.LANCZOS)
    for image, place in places:
        picture.paste(enlarged(image, CELL), place)
    return picture


def _left(column) -> int:
    return GAP + column * (CELL + GAP) + (APART if column else 0)


def _write_name(pen, shown, names, corner, color):
    left, top = corner[0], corner[1] + 9
    room = CELL - pen.width(shown.note, 11) - 4
    pen.text((left, top), shortened(pen, class_name(names, shown.label), room, 11), 11, fill=color)
    pen.text((left + CELL, top), shown.note, 11, "rm")
