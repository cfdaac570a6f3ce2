"""Whether a network computes the same of an image and its reflection in a horizontal axis."""

from convnet.export.windows import filter_windows, pool_windows
from convnet.graph.graph import Graph, Node
from convnet.layers.conv import Convolution
from convnet.layers.pool import Pool

# Types that see each pixel alone, or all values of a case.
_WITHOUT_PLACE = frozenset(
    "data fc neuron cmrnorm dropout dropout2 hs softmax eltsum eltmax concat pass".split()
) | {"dropout (key)"}


def uneven_layers(graph: Graph) -> list[str]:
    """Return the layers whose windows lie differently at the top and at the bottom of an image.

    With none of them, turning all filters upside down is the same as turning the image.
    """
    return [(node.declared_in or node).name for node in graph.nodes if not _is_even(node)]


def _is_even(node: Node) -> bool:
    layer = node.layer
    if isinstance(layer, Convolution):
        found = [filter_windows(layer, index) for index in range(len(node.inputs))]
        return all(windows.before == windows.after for windows in found)
    if isinstance(layer, Pool):
        windows = pool_windows(layer)
        return windows.before == windows.after
    return node.is_cost or layer.type_name in _WITHOUT_PLACE
