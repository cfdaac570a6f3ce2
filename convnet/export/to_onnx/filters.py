"""`conv` and `local` (docs/dialect.md, 3.3)."""

from functools import partial
from typing import cast

import numpy as np

from convnet.export.to_onnx.builder import Builder, Value
from convnet.export.windows import Windows, filter_windows
from convnet.graph.graph import Node
from convnet.layers.conv import Convolution, FilterLayer
from convnet.layers.local import Local


def conv(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Conv for each input, added up.  Its pads are explicit: the last window may hang over."""
    layer = cast(Convolution, node.layer)
    maps = [_conv_of_input(b, node, index, value) for index, value in enumerate(values)]
    total = b.total(maps)
    if layer.shared_biases:
        return total  # the first Conv adds them
    return b.elementwise("Add", total, b.biases(node, 1, layer.total, layer.modules, layer.modules))


def _conv_of_input(b: Builder, node: Node, index: int, value: Value) -> Value:
    layer = cast(Convolution, node.layer)
    windows = filter_windows(layer, index)
    arrays = [b.weights(node, index)]
    if index == 0 and layer.shared_biases:
        arrays.append(b.biases(node))
    return b.op(
        "Conv",
        _seen(b, node, index, value),
        *arrays,
        dims=(layer.total, layer.modules, layer.modules),
        kernel_shape=[windows.size] * 2,
        strides=[windows.stride] * 2,
        pads=[windows.before] * 2 + [windows.after] * 2,
        group=layer.groups[index],
    )


def _seen(b: Builder, node: Node, index: int, value: Value) -> Value:
    """The image of an input, with the channels of its groups one behind the other."""
    layer = cast(FilterLayer, node.layer)
    side = layer.sides[index]
    image = b.shaped(value, layer.channels[index], side, side)
    if not layer.rand_sparse[index]:
        return image
    channels = b.connections(node, index)
    return b.op("Gather", image, channels, dims=(layer.connected(index), side, side), axis=1)


def local(b: Builder, node: Node, values: list[Value]) -> Value:
    """The values under each window gathered, then a product for each output position."""
    layer = cast(Local, node.layer)
    total = b.total([_local_of_input(b, node, i, value) for i, value in enumerate(values)])
    side = layer.modules
    return b.elementwise("Add", total, b.biases(node, 1, layer.total, side, side))


def _local_of_input(b: Builder, node: Node, index: int, value: Value) -> Value:
    """Product over (places, groups, cases, weights of a filter)."""
    layer = cast(Local, node.layer)
    windows = filter_windows(layer, index)
    image = _seen(b, node, index, value)
    ends = windows.before, windows.after
    pixels = b.flat(b.padded(image, (0, 0), ends, ends))
    groups, seen = layer.groups[index], layer.seen[index]
    places, taps = windows.count**2, seen * windows.size**2
    order = b.indices(places_of_taps(windows, groups * seen).reshape(-1), "taps")
    columns = b.op("Gather", pixels, order, dims=(places * groups * taps,), axis=1)
    columns = b.shaped(columns, places, groups, taps)
    columns = b.transposed(columns, (1, 2, 0, 3), (groups, places, taps))
    weights = b.weights(node, index, partial(by_group, groups=groups))
    # From here on the batch is the third axis, until the last Transpose.
    product = b.op("MatMul", columns, weights, dims=())
    maps = b.transposed(product, (2, 1, 3, 0), (groups, layer.total // groups, places))
    return b.shaped(maps, layer.total, layer.modules, layer.modules)


def places_of_taps(windows: Windows, channels: int) -> np.ndarray:
    """Return (places, channels · size²): where a window's values lie in the padded, flat image."""
    side, size = windows.padded, windows.size
    starts = np.arange(windows.count) * windows.stride
    corners = (starts[:, None] * side + starts).reshape(-1, 1)
    c, i, j = np.ogrid[:channels, :size, :size]
    taps: np.ndarray = c * side * side + i * side + j
    found: np.ndarray = corners + taps.reshape(1, -1)
    return found


def by_group(array: np.ndarray, groups: int) -> np.ndarray:
    """Return weights (places, filters, channels, rows, columns) of `local` as (places, groups,
    channels · rows · columns, filters of a group).
    """
    places, filters = array.shape[:2]
    return array.reshape(places, groups, filters // groups, -1).transpose(0, 1, 3, 2)


def not_by_group(array: np.ndarray, size: int) -> np.ndarray:
    """Return what `by_group` was given, for filters of `size` rows and columns."""
    places, groups, _, filters = array.shape
    return array.transpose(0, 1, 3, 2).reshape(places, groups * filters, -1, size, size)
