"""The filters of a layer, as arrays and as a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

import numpy as np
from PIL import Image

from convnet.errors import DataError
from convnet.graph.build import Graph, Node
from convnet.language import did_you_mean
from convnet.layers.conv import FilterLayer
from convnet.layers.fc import FullyConnected
from convnet.layers.weighted import WeightLayer
from convnet.operations.rgb2yuv import FROM_RGB
from convnet.report.figures.filters import Block, filters_picture


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


# -- of a layer -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """The filters of a layer, or of its parts on several devices.

    Attributes:
        arrays: By name of the layer, (filters, channels, rows, columns).
        titles: By the same names, a line about the filters.
    """

    arrays: dict[str, np.ndarray]
    titles: dict[str, str]

    def figure(
        self, *, norm_filters: bool = False, no_rgb: bool = False, transparent: bool = False
    ) -> Image.Image:
        """Return a picture, with a block of filters for each device.

        Parameters:
            norm_filters: Scale the colors of each filter separately.
            no_rgb: Draw three channels as three gray tiles instead of one in color.
            transparent: Without a background, with captions that suit a light and a dark one.
        """
        blocks = [Block(self.titles[name], values) for name, values in self.arrays.items()]
        return filters_picture(
            blocks, norm_filters=norm_filters, no_rgb=no_rgb, transparent=transparent
        )


def layer_filters(
    graph: Graph,
    read: Callable[[Node, int], np.ndarray],
    name: str | None = None,
    options: FilterOptions | None = None,
) -> Filters:
    """Return the filters of a layer; of a split layer, of its parts on each device.

    read(node, index): the weights of input `index` of a node, as the network stores them; called
    for the owner of shared weights.  name: by default that of `default_layer`.  DataError if the
    layer does not exist or has no such filters.
    """
    options, arrays, titles = options or FilterOptions(), {}, {}
    index = options.index
    for node in layers_named(graph, name or default_layer(graph)):
        count = len(node.layer.weights())
        if not 0 <= index < count:
            raise DataError(f"{node.name} has inputs 0 to {count - 1}, not {index}")
        weights = read(*node.owners[index])
        sizes = {"channels": options.channels, "plane": options.plane}
        filters = filters_of(node, weights, index, **sizes)
        filters = from_yuv(node, filters) if options.yuv_to_rgb else filters
        arrays[node.name] = filters
        titles[node.name] = _title(graph, node, index, filters.shape)
    return Filters(arrays, titles)


def layer_picture(
    graph: Graph,
    read: Callable[[Node, int], np.ndarray],
    name: str | None = None,
    options: FilterOptions | None = None,
) -> Image.Image:
    """Return the picture of `layer_filters`."""
    options = options or FilterOptions()
    found = layer_filters(graph, read, name, options)
    return found.figure(norm_filters=options.norm_filters, no_rgb=options.no_rgb)


def _title(graph, node, index, shape):
    size = "x".join(map(str, shape[1:]))
    source = f", input {index}" if len(node.owners) > 1 else ""
    where = f", device {node.devices[0]}" if graph.device_count > 1 else ""
    return f"{node.name}{where}{source}: {shape[0]} filters of {size}"
