"""The picture of a layer's activities: the input and a scale, and beside them blocks of maps."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from PIL import Image, ImageDraw

from convnet.report.figures.color_scale import (
    PROBABILITY,
    ColorScale,
    draw_bar,
    marks,
    number_text,
    scale_of,
)
from convnet.report.figures.plot import FINE, PAPER, Pen
from convnet.report.figures.predictions import enlarged, shortened

MOST_MAPS, MOST_VALUES = 512, 16_384  # drawn of one block
WIDTH, HEIGHT = 1160, 1500  # pixels: width of the maps, and the height that they may take
LARGEST, SMALL_TILE = 160, 24  # side of a map's tile; below the second, rows are labelled, not maps
SIDE, LEFT, GAP = 200, 248, 4  # side of the input; where the maps begin; between tiles
HEAD, CAPTION, LABEL, MARGIN = 48, 24, 13, 16  # title; a block's title; a map's number; the rim
FEW_VALUES, CELL = 20, 56  # so many values are written out; width of each
FRAME = (200, 200, 200)


@dataclass(frozen=True)
class Seen:
    """What a network got of an image.

    values: its input, (channels, S, S).  pixels: the crop that the input was made of, uint8.
    """

    values: np.ndarray
    pixels: np.ndarray


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


def maps_picture(
    blocks: list[Block], text: MapsText, *, seen: Seen | None = None, norm_maps: bool = False
) -> Image.Image:
    """Return a picture of the blocks one below the other, each map a tile under its number.

    All maps have one scale of colors (see `scale_of`), or each its own with `norm_maps`.  Values
    of layers without pixels are a strip.
    """
    whole = np.concatenate([block.values.ravel() for block in blocks])
    scale = PROBABILITY if text.quantity == "probability" else scale_of(whole)
    grids = _grids(blocks, text)
    height = HEAD + sum(CAPTION + grid.height + MARGIN for grid in grids)
    size = LEFT + max(grid.width for grid in grids) + MARGIN, max(height, _side_height(seen))
    large = Image.new("RGB", (size[0] * FINE, size[1] * FINE), PAPER)
    pen = Pen(ImageDraw.Draw(large))
    pen.text((MARGIN, HEAD / 2), shortened(pen, text.title, size[0] - 2 * MARGIN, 17), 17)
    tiles = _write_side(pen, scale, whole, text, seen, norm_maps)
    top = HEAD
    for grid in grids:
        pen.text((LEFT, top + CAPTION / 2 - 2), grid.title, 14)
        grid.write(pen, (LEFT, top + CAPTION))
        tiles += grid.tiles(scale, norm_maps, (LEFT, top + CAPTION))
        top += CAPTION + grid.height + MARGIN
    picture = large.resize(size, Image.Resampling.LANCZOS)
    for tile, place in tiles:
        picture.paste(tile, place)
    return picture


# -- the input and the scale -----------------------------------------------------------------------


def _side_height(seen) -> int:
    return HEAD + (2 * (CAPTION + SIDE + MARGIN) if seen else 0) + 150


def _write_side(pen, scale, values, text, seen, norm_maps) -> list[tuple[Image.Image, tuple]]:
    """Write what stands left of the maps; return the pictures to paste and their places."""
    top, tiles = HEAD, []
    if seen is not None:
        size = "x".join(map(str, seen.pixels.shape[1:]))
        for title, picture in (
            (f"what the network saw: {size} pixels", enlarged(seen.pixels, SIDE)),
            ("the same minus the mean", _signed(seen.values)),
        ):
            pen.text((MARGIN, top + CAPTION / 2 - 2), title, 12)
            tiles.append((picture, (MARGIN, top + CAPTION)))
            top += CAPTION + SIDE + MARGIN
    pen.text((MARGIN, top + CAPTION / 2 - 2), text.quantity, 13)
    frame = MARGIN + 8, top + CAPTION, MARGIN + SIDE - 8, top + CAPTION + 18
    if norm_maps:
        draw_bar(pen, ColorScale(0, 1, scale.anchors), frame, [])
        notes = ["from the least to the largest", "value of each map alone"]
    else:
        draw_bar(pen, scale, frame, marks(scale))
        notes = _notes(scale, values)
    for number, note in enumerate(notes):
        pen.text((MARGIN, top + CAPTION + 48 + 16 * number), note, 11)
    return tiles


def _notes(scale: ColorScale, values: np.ndarray) -> list[str]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ["no value is finite"]
    notes = ["no unit" if scale.low == 0 else "no unit; white is 0"]
    notes.append(f"values {number_text(finite.min())} to {number_text(finite.max())}")
    beyond = float((np.abs(finite) > scale.high * (1 + 1e-6)).mean())
    if beyond:
        notes.append(f"{beyond:.2%} lie beyond the scale")
    if finite.size < values.size:
        notes.append(f"{values.size - finite.size:,} not finite: pink")
    return notes


def _signed(values: np.ndarray) -> Image.Image:
    """Return an input with values of both signs as a picture; gray is 0."""
    largest = float(np.abs(values).max()) or 1.0
    return enlarged(np.rint(127.5 + values * (127.5 / largest)).astype(np.uint8), SIDE)


# -- the blocks ------------------------------------------------------------------------------------


def _grids(blocks, text) -> "list[_Grid]":
    strips = [b.values.shape[1] * b.values.shape[2] == 1 for b in blocks]
    if all(strips):
        return [_Strip(block, text) for block in blocks]
    for side in _sides(max(max(b.values.shape[1:]) for b in blocks)):
        grids: list[_Grid] = [_Tiles(block, side) for block in blocks]
        if sum(grid.height + CAPTION + MARGIN for grid in grids) <= HEIGHT:
            break
    return grids


def _sides(largest: int) -> list[float]:
    """Return the factors that maps may be enlarged by, the largest first."""
    whole = [float(k) for k in range(max(1, LARGEST // largest), 0, -1)]
    return [k for k in whole if k * largest <= LARGEST] + [
        side / largest for side in (LARGEST, 112, 80, 56, 40) if side < largest
    ]


class _Grid:
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


class _Tiles(_Grid):
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


class _Strip(_Grid):
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
