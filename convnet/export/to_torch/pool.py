"""`pool` and `cmpool` (docs/dialect.md, 3.4 and 3.5)."""

from typing import cast

from convnet.export.to_torch.builder import Builder, Value, pads
from convnet.export.windows import Windows, pool_windows
from convnet.graph.graph import Node
from convnet.layers.cmpool import CrossMapPool
from convnet.layers.pool import Pool

PIECES = {"max": "max_pool", "avg": "mean_pool", "sum": "sum_pool", "maxabs": "maxabs_pool"}
FUNCTIONS = {"max": ("F.max_pool2d", ""), "avg": ("F.avg_pool2d", ", count_include_pad=False")}


def pool(b: Builder, node: Node, values: list[Value]) -> Value:
    """A pooling function of PyTorch where it has the same windows, else one of pieces.py."""
    layer = cast(Pool, node.layer)
    image = b.shaped(values[0], layer.channels, layer.side, layer.side).text
    windows = pool_windows(layer)
    text = _plain(layer.kind, image, windows)
    if not text:
        arguments = image, windows.size, windows.stride, pads(windows)
        text = b.call(PIECES[layer.kind], *arguments)
    return Value(text, tuple(node.shape))


def _plain(kind: str, image: str, windows: Windows) -> str:
    """The call of a function of PyTorch; "" if there is none for these windows."""
    before, after = windows.before, windows.after
    if kind not in FUNCTIONS:
        return ""
    function, inside = FUNCTIONS[kind]
    call = f"{function}({image}, {windows.size}, {windows.stride}"
    if before == after == 0:
        return f"{call})"
    if before == 0 < after < windows.stride:
        return f"{call}, ceil_mode=True{inside})"
    if 0 < before == after <= windows.size // 2:
        return f"{call}, padding={before}{inside})"
    return ""


def cmpool(b: Builder, node: Node, values: list[Value]) -> Value:
    """A maximum over the maps."""
    layer = cast(CrossMapPool, node.layer)
    size, stride, start = layer.window()
    windows = Windows(layer.channels, size, stride, start, layer.maps)
    image = b.shaped(values[0], layer.channels, layer.side, layer.side).text
    text = b.call("map_pool", image, size, stride, windows.before, windows.after)
    return Value(text, tuple(node.shape))
