"""`pool` and `cmpool` (docs/dialect.md, 3.4 and 3.5)."""

from typing import cast

from convnet.export.to_onnx.builder import Builder, Dims, Value
from convnet.export.to_onnx.filters import places_of_taps
from convnet.export.windows import Windows, pool_windows
from convnet.graph.graph import Node
from convnet.layers.cmpool import CrossMapPool
from convnet.layers.pool import Pool


def pool(b: Builder, node: Node, values: list[Value]) -> Value:
    """A pooling operator with explicit pads, since `ceil_mode` has other averages at the border."""
    layer = cast(Pool, node.layer)
    image = b.shaped(values[0], layer.channels, layer.side, layer.side)
    windows = pool_windows(layer)
    rule = {"max": _max, "avg": _avg, "sum": _sum, "maxabs": _maxabs}[layer.kind]
    return rule(b, image, windows)


def _max(b: Builder, image: Value, windows: Windows) -> Value:
    reached, shape = b.reached(image, windows), _shape(windows)
    return b.op("MaxPool", reached, dims=_dims(image, windows), **shape, pads=_pads(windows))


def _avg(b: Builder, image: Value, windows: Windows) -> Value:
    reached, shape = b.reached(image, windows), _shape(windows) | {"pads": _pads(windows)}
    dims = _dims(image, windows)
    return b.op("AveragePool", reached, dims=dims, **shape, count_include_pad=0)


def _sum(b: Builder, image: Value, windows: Windows) -> Value:
    """Zeros around the image are part of the averages, so these times the window are the sums."""
    ends = max(0, windows.before), max(0, windows.after)
    padded = b.padded(b.reached(image, windows), (0, 0), ends, ends)
    mean = b.op("AveragePool", padded, dims=_dims(image, windows), **_shape(windows))
    return b.elementwise("Mul", mean, b.real(windows.size**2, "pixels"))


def _maxabs(b: Builder, image: Value, windows: Windows) -> Value:
    """The values under each window; of those, the last one of the largest magnitude."""
    ends = max(0, windows.before), max(0, windows.after)
    padded = b.padded(b.reached(image, windows), (0, 0), ends, ends)
    channels, places, taps = image.dims[0], windows.count**2, windows.size**2
    pixels = b.shaped(padded, channels, windows.padded**2)
    order = b.indices(places_of_taps(windows, 1).reshape(-1), "taps")
    under = b.op("Gather", pixels, order, dims=(channels, places * taps), axis=2)
    under = b.shaped(under, channels, places, taps)
    sizes = b.elementwise("Abs", under)
    dims = (channels, places, 1)
    last = b.op("ArgMax", sizes, dims=dims, axis=3, keepdims=1, select_last_index=1)
    chosen = b.op("GatherElements", under, last, dims=dims, axis=3)
    return b.shaped(chosen, channels, windows.count, windows.count)


def _dims(image: Value, windows: Windows) -> Dims:
    return image.dims[0], windows.count, windows.count


def _shape(windows: Windows) -> dict[str, list[int]]:
    return {"kernel_shape": [windows.size] * 2, "strides": [windows.stride] * 2}


def _pads(windows: Windows) -> list[int]:
    return [max(0, windows.before)] * 2 + [max(0, windows.after)] * 2


def cmpool(b: Builder, node: Node, values: list[Value]) -> Value:
    """A MaxPool over the maps, as rows of an image whose columns are the pixels."""
    layer = cast(CrossMapPool, node.layer)
    size, stride, start = layer.window()
    windows = Windows(layer.channels, size, stride, start, layer.maps)
    pixels = layer.side**2
    rows = b.shaped(values[0], 1, layer.channels, pixels)
    top = b.op(
        "MaxPool",
        rows,
        dims=(1, layer.maps, pixels),
        kernel_shape=[size, 1],
        strides=[stride, 1],
        pads=[windows.before, 0, windows.after, 0],
    )
    return b.shaped(top, layer.maps, layer.side, layer.side)
