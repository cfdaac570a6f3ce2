"""The picture of a layer's activities: the input and a scale, and beside them blocks of maps."""

from dataclasses import dataclass

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
from convnet.report.figures.map_grids import CAPTION, MARGIN, Block, MapsText, grids_of
from convnet.report.figures.pen import FINE, PAPER, Pen
from convnet.report.figures.predictions import enlarged, shortened

SIDE, LEFT, HEAD = 200, 248, 48  # pixels: side of the input; where the maps begin; the title


@dataclass(frozen=True)
class Seen:
    """What a network got of an image.

    values: its input, (channels, S, S).  pixels: the crop that the input was made of, uint8.
    """

    values: np.ndarray
    pixels: np.ndarray


def maps_picture(
    blocks: list[Block], text: MapsText, *, seen: Seen | None = None, norm_maps: bool = False
) -> Image.Image:
    """Return a picture of the blocks one below the other, each map a tile under its number.

    All maps have one scale of colors (see `scale_of`), or each its own with `norm_maps`.  Values
    of layers without pixels are a strip.
    """
    whole = np.concatenate([block.values.ravel() for block in blocks])
    scale = PROBABILITY if text.quantity == "probability" else scale_of(whole)
    grids = grids_of(blocks, text)
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
