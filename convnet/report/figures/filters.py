"""The picture of a layer's filters, as in Figure 3 of the paper."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MAX_FILTERS, MAX_CHANNELS = 512, 64
TILE, LEAST_WIDTH = 40, 600  # pixels of the picture: side of a filter at least, width at least
MARGIN, CAPTION = 12, 22
BACKGROUND, FRAME, INK = (255, 255, 255), (150, 150, 150), (40, 40, 40)
CLEAR, GRAY = (0, 0, 0, 0), (124, 124, 124)  # gray can be read on white and on black


@dataclass
class Block:
    """The filters of one layer: (filters, channels, rows, columns), and the title above them."""

    title: str
    filters: np.ndarray


def filters_picture(
    blocks: list[Block],
    *,
    norm_filters: bool = False,
    no_rgb: bool = False,
    transparent: bool = False,
) -> Image.Image:
    """Return a picture of the blocks one below the other, each filter a tile.

    A filter of three channels is a color tile; others, or all with `no_rgb`, are rows of gray
    tiles, one per channel.  Values are scaled to the range of all filters, or of each filter alone
    with `norm_filters`.  transparent: no background, and captions that suit a light and a dark one.
    """
    low = float(min(block.filters.min() for block in blocks))
    high = float(max(block.filters.max() for block in blocks))
    panels = []
    for block in blocks:
        shown = scaled(block.filters[:MAX_FILTERS], None if norm_filters else (low, high))
        channels = shown.shape[1]
        if channels == 3 and not no_rgb:
            panels.append(_Panel(block, shown.transpose(0, 2, 3, 1), 1))
        else:
            shown = shown[:, :MAX_CHANNELS]
            panels.append(_Panel(block, shown.reshape(-1, *shown.shape[2:]), shown.shape[1]))
    if norm_filters:
        return _paint(panels, "from the least to the largest weight of each filter", transparent)
    line = f"from black, a weight of {low:.3g}, to white, {high:.3g}"
    return _paint(panels, line, transparent)


def scaled(filters: np.ndarray, limits: tuple[float, float] | None) -> np.ndarray:
    """Scale values to 0..1: from the limits, or each filter from its own range."""
    filters = filters.astype(np.float64)
    if limits is None:
        axes = tuple(range(1, filters.ndim))
        limits = filters.min(axes, keepdims=True), filters.max(axes, keepdims=True)
    low, high = (np.asarray(limit, np.float64) for limit in limits)
    span = high - low
    return np.where(span > 0, (filters - low) / np.where(span > 0, span, 1), 0.5)


class _Panel:
    """The tiles of a block: (tiles, rows, columns) or (tiles, rows, columns, 3), from 0 to 1.

    group: tiles that belong to one filter; a group stays on one row.
    """

    def __init__(self, block: Block, tiles: np.ndarray, group: int):
        self.tiles, self.group = tiles, group
        self.title = block.title + _left_out(block, group)
        self.height, self.width = tiles.shape[1:3]
        groups = len(tiles) // group
        wanted = (2 * len(tiles)) ** 0.5 / group  # twice as many columns as rows
        self.columns = group * min(groups, _even_columns(groups, max(1, round(wanted))))
        self.rows = ceil(len(tiles) / self.columns)

    def size(self, scale: int, gap: int) -> tuple[int, int]:
        """Return width and height of the panel in pixels, with gaps on all sides."""
        left, top = self.place(self.columns * self.rows - 1, scale, gap)
        return left + self.width * scale + gap, top + self.height * scale + gap

    def place(self, number: int, scale: int, gap: int) -> tuple[int, int]:
        """Return the upper left corner of a tile; groups have larger gaps between them."""
        row, column = divmod(number, self.columns)
        apart = 2 * gap * (column // self.group) if self.group > 1 else 0
        left = gap + column * (self.width * scale + gap) + apart
        return left, gap + row * (self.height * scale + gap)


def _left_out(block, group):
    count, channels = block.filters.shape[:2]
    notes = []
    if count > MAX_FILTERS:
        notes.append(f"first {MAX_FILTERS} of {count} filters")
    if 3 < group < channels:
        notes.append(f"first {group} of {channels} channels")
    return f" ({', '.join(notes)})" if notes else ""


def _even_columns(count: int, wanted: int) -> int:
    """Return about `wanted` columns for `count` tiles, so that all rows are full if possible."""
    near = [c for c in range(wanted, wanted + wanted // 3 + 1) if count % c == 0]
    near = near or [c for c in range(wanted, max(1, wanted * 2 // 3), -1) if count % c == 0]
    return near[0] if near else wanted


def _paint(panels: list[_Panel], scale_line: str, transparent: bool) -> Image.Image:
    scale = _scale(panels)
    gap = min(6, max(2, scale // 2))
    sizes = [panel.size(scale, gap) for panel in panels]
    font = ImageFont.load_default(14)
    text_width = max(int(font.getlength(panel.title)) for panel in panels)
    width = 2 * MARGIN + max(LEAST_WIDTH - 2 * MARGIN, text_width, *(size[0] for size in sizes))
    height = MARGIN + sum(size[1] + CAPTION + MARGIN for size in sizes) + CAPTION
    form, background = ("RGBA", CLEAR) if transparent else ("RGB", BACKGROUND)
    ink = GRAY if transparent else INK
    picture = Image.new(form, (width, height), background)
    draw = ImageDraw.Draw(picture)
    top = MARGIN
    for panel, size in zip(panels, sizes, strict=True):
        draw.text((MARGIN, top), panel.title, fill=ink, font=font)
        top += CAPTION
        _paint_panel(picture, panel, (MARGIN, top), scale, gap)
        box = (MARGIN, top, MARGIN + size[0] - 1, top + size[1] - 1)
        draw.rectangle(box, outline=FRAME)
        top += size[1] + MARGIN
    draw.text((MARGIN, top), scale_line, fill=ink, font=ImageFont.load_default(12))
    return picture


def _scale(panels) -> int:
    """Return the integer enlargement: tiles of at least TILE pixels, larger if there are few."""
    widest = max(panel.columns * (panel.width + 1) for panel in panels)
    smallest = min(panel.width for panel in panels)
    fill = min(ceil(LEAST_WIDTH / widest), ceil(4 * TILE / smallest))
    least = ceil(TILE / smallest)
    if any(panel.group > 16 for panel in panels):
        least = ceil(least / 2)  # with many channels the picture would not fit a screen
    return max(1, least, fill)


def _paint_panel(picture, panel, corner, scale, gap):
    size = (panel.width * scale, panel.height * scale)
    for number, tile in enumerate(panel.tiles):
        pixels = np.rint(tile * 255).astype(np.uint8)
        image = Image.fromarray(pixels).convert("RGB").resize(size, Image.Resampling.NEAREST)
        left, top = panel.place(number, scale, gap)
        picture.paste(image, (corner[0] + left, corner[1] + top))
