"""The layers of a network that take weights from a file, and how their inputs lie in the file's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convnet.graph.graph import Graph, Node
from convnet.layers.conv import Convolution
from convnet.layers.crop import Crop
from convnet.layers.data import Data
from convnet.layers.fc import FullyConnected

PIXELS = 0  # the data matrix that holds images

# Layers of one input that keep its channels in place.
_KEEPS_CHANNELS = frozenset(
    "neuron pool cmrnorm rnorm cnorm dropout dropout2 hs crop nailbed blur resize rscale".split()
) | {"dropout (key)"}
_JOINS = frozenset(("concat", "pass"))  # give their inputs one behind the other


@dataclass(frozen=True)
class Source:
    """An input of a layer.

    node: the layer it reads.  channels: of all groups.  seen: channels of one group.  window: rows
    and columns that a filter covers; of a full connection, those of the input.
    """

    node: Node
    channels: int
    seen: int
    window: tuple[int, int]


@dataclass(frozen=True)
class Target:
    """A layer of the network with weights.

    groups: of its filters, 0 if its inputs differ in them.  problem: why it cannot take weights
    from a file; "" if it can.
    """

    node: Node
    outputs: int
    groups: int
    sources: tuple[Source, ...]
    problem: str = ""

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.node.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weights in the layout of files, all inputs together; () if not known."""
        if not self.sources:
            return ()
        seen, window = sum(each.seen for each in self.sources), self.sources[0].window
        if isinstance(self.node.layer, FullyConnected):
            return (self.outputs, sum(s.seen * s.window[0] * s.window[1] for s in self.sources))
        return (self.outputs, seen, *window)


def targets_of(graph: Graph) -> list[Target]:
    """Return the layers with weights of a graph, in file order."""
    return [_target(node) for node in graph.declared() if node.layer.weights()]


def _target(node: Node) -> Target:
    layer = node.layer
    if not all(node.owns(index) for index in range(len(layer.weights()))):
        return Target(node, 0, 0, (), "it shares the weights of another layer")
    if isinstance(layer, FullyConnected):
        return Target(node, layer.outputs, 1, _values(node))
    if not isinstance(layer, Convolution):
        kind = layer.type_name
        return Target(node, 0, 0, (), f"layers of type {kind} have no counterpart in such files")
    if any(layer.rand_sparse):
        return Target(node, 0, 0, (), "its groups see random channels (randSparse)")
    if not layer.shared_biases:
        return Target(node, 0, 0, (), "it has a bias for each output (sharedBiases=false)")
    groups = layer.groups[0] if len(set(layer.groups)) == 1 else 0
    return Target(node, layer.total, groups, _maps(node, layer))


def _values(node: Node) -> tuple[Source, ...]:
    shapes = [source.shape for source in node.inputs]
    return tuple(
        Source(source, shape.channels, shape.channels, (shape.height, shape.width))
        for source, shape in zip(node.inputs, shapes, strict=True)
    )


def _maps(node: Node, layer: Convolution) -> tuple[Source, ...]:
    return tuple(
        Source(source, layer.channels[i], layer.seen[i], (layer.filter_size[i],) * 2)
        for i, source in enumerate(node.inputs)
    )


def reads_pixels(source: Source) -> bool:
    """Return whether an input is the images themselves, or a crop of them."""
    node = source.node
    while isinstance(node.layer, Crop):
        node = node.inputs[0]
    return isinstance(node.layer, Data) and node.layer.data_idx == PIXELS


def hides_image(source: Source) -> bool:
    """Return whether an input is flat here, but may be an image in the file's network."""
    return source.window == (1, 1) and _is_flattened(source.node)


def _is_flattened(node: Node) -> bool:
    """Whether values are flat data, images joined to a vector, or what layers make of such."""
    kind = node.layer.type_name
    if kind in _JOINS and any(each.shape.height > 1 for each in node.inputs):
        return True
    below = node.inputs if kind in _KEEPS_CHANNELS | _JOINS else []
    return node.is_data or any(e.shape.height == 1 and _is_flattened(e) for e in below)


def channel_offsets(graph: Graph, parts: Mapping[Node, int]) -> dict[Node, int]:
    """Return where the channels of nodes begin among those of the file's layers, as far as known.

    A layer of a file may become several of the network, which hold parts of its channels, as the
    two towers of `alexnet` do.  parts: of the layers whose weights are taken, the first of their
    outputs among those of the file's layer.
    """
    found: dict[Node, int] = {}
    for node in graph.nodes:
        offset = 0 if node.is_data else parts.get(node)
        if offset is None and node.inputs:
            offset = _inherited(node, found)
        if offset is not None:
            found[node] = offset
    return found


def _inherited(node: Node, found: Mapping[Node, int]) -> int | None:
    """Where the channels of a node without weights begin; None if that is not known."""
    if node.layer.weights():
        return None
    keeps = node.layer.type_name in _KEEPS_CHANNELS | _JOINS
    if not keeps or node.shape.channels != sum(each.shape.channels for each in node.inputs):
        return None
    offset = expected = found.get(node.inputs[0])
    for source in node.inputs:
        if expected is None or found.get(source) != expected:
            return None
        expected += source.shape.channels
    return offset
