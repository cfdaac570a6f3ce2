"""How the maps of a block are laid out: tiles under their numbers, or a strip of values."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from PIL import Image, ImageDraw

from convnet.report.figures.color_scale import ColorScale, number_text
from convnet.report.figures.pen import PAPER, Pen
from convnet.report.figures.predictions import shortened

MOST_MAPS, MOST_VALUES = 512, 16_384  # drawn of one block
WIDTH, HEIGHT = 1160, 1500  # pixels: width of the maps, and the height that they may take
LARGEST, SMALL_TILE = 160, 24  # side of a map's tile; below the second, rows are labeled, not maps
GAP, LABEL, CAPTION, MARGIN = 4, 13, 24, 16  # between tiles; a map's number; a block's title; below
FEW_VALUES, CELL = 20, 56  # so many values are written out; width of each
FRAME = (200, 200, 200)


@dataclass(frozen=True)
class Block:
    """The maps (channels, rows, columns) of a layer on one device, and the title above them."""

    title: str
    values: np.ndarray


@dataclass(frozen=True)
class MapsText:
    """What is written: the title, what a value is, and the names of the values of a layer."""

    title: str
    quantity: str
    names: tuple[str, ...] = ()


def grids_of(blocks: list[Block], text: MapsText) -> "list[Grid]":
    """Return the drawings of blocks, enlarged as far as all of them fit HEIGHT."""
    strips = [b.values.shape[1] * b.values.shape[2] == 1 for b in blocks]
    if all(strips):
        return [Strip(block, text) for block in blocks]
    for side in _sides(max(max(b.values.shape[1:]) for b in blocks)):
        grids: list[Grid] = [Tiles(block, side) for block in blocks]
        if sum(grid.height + CAPTION + MARGIN for grid in grids) <= HEIGHT:
            break
    return grids


def _sides(largest: int) -> list[float]:
    """Return the factors that maps may be enlarged by, the largest first."""
    whole = [float(k) for k in range(max(1, LARGEST // largest), 0, -1)]
    return [k for k in whole if k * largest <= LARGEST] + [
        side / largest for side in (LARGEST, 112, 80, 56, 40) if side < largest
    ]


class Grid:
    """The drawing of a block: title, width and height in pixels.

    `write` draws texts; `tiles` returns the pictures to paste and where.  corner: left, top.
    """

    title: str
    width: int
    height: int

    def write(self, pen: Pen, corner: tuple[int, int]) -> None:
        raise NotImplementedError

    def tiles(
        self, scale: ColorScale, norm_maps: bool, corner: tuple[int, int]
    ) -> list[tuple[Image.Image, tuple[int, int]]]:
        raise NotImplementedError


class Tiles(Grid):
    """Maps in rows, each under its number; small ones in rows that begin with a number."""

    def __init__(self, block: Block, factor: float):
        self.maps, count = block.values[:MOST_MAPS], len(block.values)
        shown = f", the first {MOST_MAPS} shown" if count > MOST_MAPS else ""
        self.title = block.title + shown
        rows, columns = self.maps.shape[1:]
        self.size = max(1, round(columns * factor)), max(1, round(rows * factor))
        self.labels_maps = self.size[0] >= SMALL_TILE
        self.indent = 0 if self.labels_maps else 40
        self.step = self.size[0] + GAP, self.size[1] + GAP + (LABEL if self.labels_maps else 0)
        most = max(1, (WIDTH - self.indent) // self.step[0])
        self.columns = ceil(len(self.maps) / ceil(len(self.maps) / most))  # rows of equal length
        self.width = self.indent + self.columns * self.step[0]
        self.height = ceil(len(self.maps) / self.columns) * self.step[1]

    def _place(self, number, corner):
        row, column = divmod(number, self.columns)
        top = corner[1] + row * self.step[1] + (LABEL if self.labels_maps else 0)
        return corner[0] + self.indent + column * self.step[0], top

    def write(self, pen, corner):
        for number in range(0, len(self.maps), 1 if self.labels_maps else self.columns):
            left, top = self._place(number, corner)
            if self.labels_maps:
                pen.text((left, top - LABEL / 2), f"{number}", 10)
            else:
                pen.text((left - 6, top + self.size[1] / 2), f"{number}", 10, "rm")

    def tiles(self, scale, norm_maps, corner):
        smaller = self.size[0] < self.maps.shape[2]
        filter = Image.Resampling.BOX if smaller else Image.Resampling.NEAREST
        found = []
        for number, values in enumerate(self.maps):
            own = _own_scale(values, scale) if norm_maps else scale
            tile = Image.fromarray(own.shade(values)).resize(self.size, filter)
            found.append((tile, self._place(number, corner)))
        return found


def _own_scale(values: np.ndarray, scale: ColorScale) -> ColorScale:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return ColorScale(low, high if high > low else low + 1, scale.anchors)


class Strip(Grid):
    """Values as a strip of cells, broken into rows; few values are also written out."""

    def __init__(self, block: Block, text: MapsText):
        self.values, self.text = block.values.ravel()[:MOST_VALUES], text
        left_out = block.values.size > MOST_VALUES
        self.title = block.title + (f", the first {MOST_VALUES:,} shown" if left_out else "")
        count = len(self.values)
        self.is_short = count <= FEW_VALUES
        self.cell = CELL if self.is_short else 16 if count <= 1024 else 8
        self.indent = 0 if self.is_short else 48
        self.columns = count if self.is_short else 32 if count <= 1024 else 128
        self.rows = ceil(count / self.columns)
        self.width = self.indent + self.columns * self.cell
        self.height = CELL + 36 if self.is_short else self.rows * self.cell

    def write(self, pen, corner):
        left, top = corner
        if not self.is_short:
            for row in range(0, self.rows, max(1, 16 // self.cell)):
                y = top + (row + 0.5) * self.cell
                pen.text((left + 42, y), f"{row * self.columns:,}", 10, "rm")
            return
        for number, value in enumerate(self.values.tolist()):
            x = left + (number + 0.5) * CELL
            name = self.text.names[number] if self.text.names else f"{number}"
            is_share = self.text.quantity == "probability"
            shown = f"{value:.1%}" if is_share else number_text(value)
            pen.text((x, top + 8), shortened(pen, name, CELL - 4, 11), 11, "mm")
            pen.text((x, top + 18 + CELL + 10), shown, 11, "mm")

    def tiles(self, scale, norm_maps, corner):
        shade = scale.shade(self.values)
        if norm_maps:
            shade = _own_scale(self.values, scale).shade(self.values)
        cells = np.full((self.rows * self.columns, 3), PAPER, np.uint8)
        cells[: len(shade)] = shade
        image = Image.fromarray(cells.reshape(self.rows, self.columns, 3))
        size = self.columns * self.cell, CELL if self.is_short else self.rows * self.cell
        strip = image.resize(size, Image.Resampling.NEAREST)
        if self.cell >= 16:
            _separate(strip, self.cell)
        return [(strip, (corner[0] + self.indent, corner[1] + (18 if self.is_short else 0)))]


def _separate(strip: Image.Image, cell: int) -> None:
    """Draw lines between the cells of a strip."""
    draw = ImageDraw.Draw(strip)
    for x in range(0, strip.width + 1, cell):
        draw.line((x, 0, x, strip.height), FRAME)
    for y in range(0, strip.height + 1, cell):
        draw.line((0, y, strip.width, y), FRAME)
