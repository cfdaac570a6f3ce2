"""`conv` and `local` (docs/dialect.md, 3.3)."""

from typing import cast

from convnet.export.to_torch.builder import Builder, Value, pads, settings, sum_text
from convnet.export.windows import filter_windows
from convnet.graph.graph import Node
from convnet.layers.conv import Convolution, FilterLayer
from convnet.layers.local import Local


def conv(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Conv2d for each input, added up; F.pad where the last window hangs over."""
    layer = cast(Convolution, node.layer)
    terms = [_conv_of_input(b, node, index, value) for index, value in enumerate(values)]
    if not layer.shared_biases:
        terms.append(b.biases(node, *node.shape))
    return Value(sum_text(terms), tuple(node.shape))


def _conv_of_input(b: Builder, node: Node, index: int, value: Value) -> str:
    layer = cast(Convolution, node.layer)
    windows = filter_windows(layer, index)
    has_biases = index == 0 and layer.shared_biases
    even = windows.before == windows.after
    image = _seen(b, node, index, value)
    chosen = settings(
        {
            "stride": windows.stride,
            "padding": windows.before if even else 0,
            "groups": layer.groups[index],
            "bias": has_biases,
        },
        {"stride": 1, "padding": 0, "groups": 1, "bias": True},
    )
    text = f"nn.Conv2d({layer.connected(index)}, {layer.total}, {windows.size}{chosen})"
    arrays = {"bias": b.model.biases(node)} if has_biases else {}
    module = b.weighted(node, index, text, **arrays)
    return f"{module}({image if even else f'F.pad({image}, {pads(windows)})'})"


def _seen(b: Builder, node: Node, index: int, value: Value) -> str:
    """The image of an input, with the channels of its groups one behind the other."""
    layer = cast(FilterLayer, node.layer)
    side = layer.sides[index]
    image = b.shaped(value, layer.channels[index], side, side).text
    if not layer.rand_sparse[index]:
        return image
    what = "channels" if len(layer.rand_sparse) == 1 else f"channels_{index}"
    return f"{image}[:, {b.buffer(what, b.model.connections(node, index))}]"


def local(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Local of pieces.py for each input, added up."""
    terms = [_local_of_input(b, node, index, value) for index, value in enumerate(values)]
    return Value(sum_text([*terms, b.biases(node, *node.shape)]), tuple(node.shape))


def _local_of_input(b: Builder, node: Node, index: int, value: Value) -> str:
    layer = cast(Local, node.layer)
    windows = filter_windows(layer, index)
    image = _seen(b, node, index, value)
    chosen = settings({"groups": layer.groups[index]}, {"groups": 1})
    text = b.call("Local", layer.connected(index), layer.total, windows.size)[:-1]
    text += f", stride={windows.stride}, pads={pads(windows)}, side={layer.modules}{chosen})"
    return f"{b.weighted(node, index, text)}({image})"
