"""Pictures of a layer's filters, as in Figure 3 of the paper."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isqrt

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from convnet.errors import DataError
from convnet.graph.build import Graph, Node
from convnet.language import did_you_mean
from convnet.layers.conv import FilterLayer
from convnet.layers.fc import FullyConnected
from convnet.layers.weighted import WeightLayer
from convnet.operations.rgb2yuv import FROM_RGB

MAX_FILTERS, MAX_CHANNELS = 512, 64
TILE, LEAST_WIDTH = 40, 600  # pixels of the picture: side of a filter at least, width at least
MARGIN, CAPTION = 12, 22
BACKGROUND, FRAME, INK = (255, 255, 255), (150, 150, 150), (40, 40, 40)


@dataclass
class Block:
    """The filters of one layer: (filters, channels, rows, columns), and the title above them."""

    title: str
    filters: np.ndarray


@dataclass(frozen=True)
class FilterOptions:
    """What a picture of filters shows.

    index         which input of the layer, from 0
    channels      channels of the images that the rows of an fc layer are shown as; 0: those of the
                  input
    plane         which position of a local layer, from 0
    norm_filters  scale each filter alone
    no_rgb        show three channels as three gray tiles instead of one in color
    yuv_to_rgb    the filters are over YUV images: convert them to RGB
    """

    index: int = 0
    channels: int = 0
    plane: int = 0
    norm_filters: bool = False
    no_rgb: bool = False
    yuv_to_rgb: bool = False


# -- which layers ----------------------------------------------------------------------------------


def default_layer(graph: Graph) -> str:
    """Return the first layer with weights over data; of a split layer, the common name.

    DataError if no layer has weights.
    """
    weighted = [node for node in graph.declared() if isinstance(node.layer, WeightLayer)]
    over_data = [n for n in weighted if any(source.is_data for source in n.inputs)]
    found = over_data or weighted
    if not found:
        raise DataError("the network has no layer with weights")
    name = found[0].name
    group = [n.name for n in _split_layers(graph, name[:-1])]
    return name[:-1] if len(group) > 1 and name in group else name


def layers_named(graph: Graph, name: str) -> list[Node]:
    """Return the layer of that name, or the parts `name`a, `name`b ... of a layer split by device.

    DataError if there is none, or if it has no weights.
    """
    exact = [node for node in graph.declared() if node.name == name]
    found = exact or _split_layers(graph, name)
    names = [n.name for n in graph.declared() if isinstance(n.layer, WeightLayer)]
    if not found:
        hint = did_you_mean(name, names)
        raise DataError(
            f"there is no layer {name}; {hint or 'layers with weights: ' + ', '.join(names)}"
        )
    if not isinstance(found[0].layer, WeightLayer):
        kind, listed = found[0].layer.type_name, ", ".join(names)
        raise DataError(f"{name}, of type {kind}, has no weights; layers with weights: {listed}")
    return found


def _split_layers(graph, name):
    return [n for n in graph.parts_of(name) if isinstance(n.layer, WeightLayer)]


# -- from weights to filters -----------------------------------------------------------------------


def filters_of(
    node: Node, weights: np.ndarray, index: int = 0, *, channels: int = 0, plane: int = 0
) -> np.ndarray:
    """Return the weights of input `index` as filters: (filters, channels, rows, columns).

    weights  as the network stores them.  conv: (channels, K, K, filters).  local: (modules,
             channels, K, K, filters), of which module `plane` is shown.  fc: (outputs, inputs),
             where each row is an image with `channels` channels, by default those of the input.

    DataError if the layer has no filters, or has them not in that form.
    """
    if isinstance(node.layer, FilterLayer):
        if weights.ndim == 5:
            if not 0 <= plane < len(weights):
                raise DataError(f"{node.name} has positions 0 to {len(weights) - 1}, not {plane}")
            weights = weights[plane]
        return np.moveaxis(weights, -1, 0)
    if isinstance(node.layer, FullyConnected):
        return _rows_as_images(node, weights, node.inputs[index].shape, channels)
    raise DataError(f"{node.name}: filters of {node.layer.type_name} layers cannot be shown")


def _rows_as_images(node, weights, shape, channels):
    size = weights.shape[1]
    if not channels and shape.height > 1:
        return weights.reshape(-1, *shape)
    for count in (channels,) if channels else (3, 1):
        side = isqrt(size // count)
        if count * side * side == size:
            return weights.reshape(-1, count, side, side)
    if channels:
        raise DataError(f"{node.name}: {size} weights are not {channels} square maps")
    rows = next(
        n for n in range(isqrt(size), 0, -1) if size % n == 0
    )  # not square: the nearest rectangle
    return weights.reshape(-1, 1, rows, size // rows)


def from_yuv(node: Node, filters: np.ndarray) -> np.ndarray:
    """Convert filters over Y, U and V to filters over R, G and B.

    DataError if there are not 3 channels.
    """
    if filters.shape[1] != 3:
        raise DataError(f"{node.name} has {filters.shape[1]} input channels, not the three of YUV")
    return np.einsum("cy,fyij->fcij", np.linalg.inv(FROM_RGB), filters)


# -- the picture -----------------------------------------------------------------------------------


def filters_picture(
    blocks: list[Block], *, norm_filters: bool = False, no_rgb: bool = False
) -> Image.Image:
    """Return a picture of the blocks one below the other, each filter a tile.

    A filter of three channels is a color tile; others, or all with `no_rgb`, are rows of gray
    tiles, one per channel.  Values are scaled to the range of all filters, or of each filter alone
    with `norm_filters`.
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
        return _paint(panels, "from the least to the largest weight of each filter")
    return _paint(panels, f"from black, a weight of {low:.3g}, to white, {high:.3g}")


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


def _paint(panels: list[_Panel], scale_line: str) -> Image.Image:
    scale = _scale(panels)
    gap = min(6, max(2, scale // 2))
    sizes = [panel.size(scale, gap) for panel in panels]
    font = ImageFont.load_default(14)
    text_width = max(int(font.getlength(panel.title)) for panel in panels)
    width = 2 * MARGIN + max(LEAST_WIDTH - 2 * MARGIN, text_width, *(size[0] for size in sizes))
    height = MARGIN + sum(size[1] + CAPTION + MARGIN for size in sizes) + CAPTION
    picture = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    top = MARGIN
    for panel, size in zip(panels, sizes, strict=True):
        draw.text((MARGIN, top), panel.title, fill=INK, font=font)
        top += CAPTION
        _paint_panel(picture, panel, (MARGIN, top), scale, gap)
        box = (MARGIN, top, MARGIN + size[0] - 1, top + size[1] - 1)
        draw.rectangle(box, outline=FRAME)
        top += size[1] + MARGIN
    draw.text((MARGIN, top), scale_line, fill=INK, font=ImageFont.load_default(12))
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


def layer_picture(
    graph: Graph,
    read: Callable[[Node, int], np.ndarray],
    name: str | None = None,
    options: FilterOptions | None = None,
) -> Image.Image:
    """Return the picture of a layer, with one block for each device of a split layer.

    read(node, index): the weights of input `index` of a node, as the network stores them; called
    for the owner of shared weights.  name: by default that of `default_layer`.  DataError if the
    layer does not exist or has no such filters.
    """
    options, blocks = options or FilterOptions(), []
    index = options.index
    for node in layers_named(graph, name or default_layer(graph)):
        count = len(node.layer.weights())
        if not 0 <= index < count:
            raise DataError(f"{node.name} has inputs 0 to {count - 1}, not {index}")
        weights = read(*node.owners[index])
        sizes = {"channels": options.channels, "plane": options.plane}
        filters = filters_of(node, weights, index, **sizes)
        filters = from_yuv(node, filters) if options.yuv_to_rgb else filters
        blocks.append(Block(_title(node, index, filters.shape), filters))
    return filters_picture(blocks, norm_filters=options.norm_filters, no_rgb=options.no_rgb)


def _title(node, index, shape):
    size = "x".join(map(str, shape[1:]))
    source = f", input {index}" if len(node.owners) > 1 else ""
    return f"{node.name}{source}: {shape[0]} filters of {size}, device {node.devices[0]}"
