"""Which nodes of a graph are exported, in which order, with which inputs and outputs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isqrt

from convnet.display import quoted
from convnet.errors import ConvnetError
from convnet.export.model import Model
from convnet.graph.graph import Graph, Node
from convnet.graph.place import Unit, place
from convnet.layers import Shape
from convnet.layers.conv import FilterLayer
from convnet.layers.data import Data
from convnet.layers.neuron import Neuron
from convnet.layers.pool import Pool
from convnet.layers.transfer import Transfer

PIXELS = 0  # the index of the data matrix that is preprocessed


@dataclass(frozen=True)
class Matrix:
    """A matrix of the data source that the exported network reads.

    index: its dataIdx.  name: of the data layer that reads it.  dims: of a case, (channels, rows,
    columns) or (values,).
    """

    index: int
    name: str
    dims: tuple[int, ...]


@dataclass(frozen=True)
class Walk:
    """What is written of a graph.

    matrices: the inputs.  nodes: in order, data layers and costs left out.  data: the data layers.
    outputs: by the name of the layer as it is declared.  rounded: pairs of a node and a consumer
    on another device, where the value goes there as 16-bit floats.
    """

    matrices: tuple[Matrix, ...]
    data: tuple[Node, ...]
    nodes: tuple[Node, ...]
    outputs: dict[str, Node]
    rounded: frozenset[tuple[Node, Node]]


def walk(model: Model, outputs: Sequence[str], types: Collection[str], form: str) -> Walk:
    """Return what to write of a model.

    outputs: names of layers; if empty, those that the costs read.  types: the layer types that the
    format has.  form: what the format is called in messages.

    Raises ConvnetError for a name that is no layer's, and for layers without an exact form; it
    names all of them.
    """
    graph = model.graph
    ends = _chosen(graph, outputs) if outputs else _read_by_costs(graph)
    needed = _below(ends.values())
    rounded, mixed = _rounded(graph)
    nodes = tuple(node for node in graph.nodes if node in needed and not node.is_data)
    data = tuple(node for node in graph.nodes if node in needed and node.is_data)
    reasons = [reason for node in nodes if (reason := _no_form(node, types, form))]
    reasons += [_MIXED.format(*(n.name for n in pair)) for pair in mixed if pair[1] in needed]
    if reasons:
        raise ConvnetError("\n".join(reasons))
    return Walk(_matrices(model, data), data, nodes, ends, rounded)


# -- outputs ---------------------------------------------------------------------------------------


def _chosen(graph: Graph, names: Sequence[str]) -> dict[str, Node]:
    layers = {n.name: n for n in graph.declared() if not n.is_cost and not n.is_data}
    for name in names:
        if name not in layers:
            raise ConvnetError(
                f"--output: no layer {quoted(name)} has values of its own; those that have are "
                f"{', '.join(layers)}"
            )
    return {name: graph.end_of(layers[name]) for name in names}


def _read_by_costs(graph: Graph) -> dict[str, Node]:
    costs = [node for node in graph.nodes if node.is_cost]
    read = [source for cost in costs for source in cost.inputs if not source.is_data]
    if not read:
        raise ConvnetError(
            "there is nothing to export: the costs read the data itself. Name a layer with --output"
        )
    return {(node.declared_in or node).name: node for node in read}


def _below(ends: Collection[Node]) -> set[Node]:
    """The nodes that these need, themselves included."""
    found: set[Node] = set()
    waiting = list(ends)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += node.inputs
    return found


# -- what has no exact form ------------------------------------------------------------------------

_MIXED = (
    "{}: quantF=half rounds the values that go to {} for some replicas and not for others, which "
    "no graph of one device does. Leave quantF out of the parameter file"
)


def _no_form(node: Node, types: Collection[str], form: str) -> str:
    """Why a node cannot be written exactly; "" if it can."""
    layer, name = node.layer, (node.declared_in or node).name
    if isinstance(layer, Pool) and layer.uses_random:
        return (
            f"{name}: pool=rand samples a pixel of each window in tests too, which has no form in "
            f"{form}. doMax=true in the parameter file takes the maximum instead"
        )
    if isinstance(layer, Neuron) and layer.uses_random:
        return f"{name}: neuron=nrelu adds noise in tests too, which has no form in {form}"
    if layer.type_name not in types:
        return f"{name}: layers of type {layer.type_name} have no form in {form}"
    return ""


# -- devices ---------------------------------------------------------------------------------------


def _rounded(graph: Graph) -> tuple[frozenset[tuple[Node, Node]], list[tuple[Node, Node]]]:
    """Pairs (node, consumer) whose values are rounded on the way; and those of only some cases."""
    ways: dict[tuple[Node, Node], set[bool]] = {}
    for unit in place(graph):
        if not unit.is_copy:
            for source in (each for units in unit.sources for each in units):
                ways.setdefault((source.node, unit.node), set()).add(_rounds(source))
    rounded = frozenset(pair for pair, found in ways.items() if True in found)
    return rounded, [pair for pair, found in ways.items() if len(found) > 1]


def _rounds(unit: Unit) -> bool:
    return isinstance(unit.layer, Transfer) and unit.layer.half_forward


# -- inputs ----------------------------------------------------------------------------------------


def _matrices(model: Model, data: Sequence[Node]) -> tuple[Matrix, ...]:
    readers: dict[int, list[Node]] = {}
    for node in data:
        readers.setdefault(data_layer(node).data_idx, []).append(node)
    return tuple(_matrix(model, index, nodes) for index, nodes in sorted(readers.items()))


def _matrix(model: Model, index: int, nodes: list[Node]) -> Matrix:
    whole = [node for node in nodes if data_layer(node).rows == node.shape.size]
    first, rows = (whole or nodes)[0], data_layer(nodes[0]).rows
    for node in whole:
        if node.shape.height > 1:
            return Matrix(index, first.name, tuple(node.shape))
    return Matrix(index, first.name, _known_image(model, index, rows, whole) or (rows,))


def _known_image(
    model: Model, index: int, rows: int, whole: Sequence[Node]
) -> tuple[int, int, int] | None:
    """The image that `rows` values are, from the input's record or else from a first consumer."""
    record = model.input
    if index == PIXELS and record is not None:
        if record.channels * record.inner_size**2 == rows:
            return record.channels, record.inner_size, record.inner_size
    for node in model.graph.nodes:
        for position, source in enumerate(node.inputs):
            if source in whole and (channels := _channels_seen(node, position)):
                side = isqrt(rows // channels)
                if channels * side * side == rows:
                    return channels, side, side
    return None


def _channels_seen(node: Node, position: int) -> int:
    """The channels of an input, if the layer sees it as an image; else 0."""
    if isinstance(node.layer, FilterLayer):
        return node.layer.channels[position]
    return int(node.layer.field_value("channels") or 0)


def case_dims(shape: Shape) -> tuple[int, ...]:
    """Return the shape of a case of a layer's values: of an image, or (values,)."""
    return tuple(shape) if shape.height * shape.width > 1 else (shape.size,)


def data_layer(node: Node) -> Data:
    """Return the layer of a data node.  TypeError for any other."""
    if not isinstance(node.layer, Data):
        raise TypeError(f"{node.name} is no data layer")
    return node.layer
