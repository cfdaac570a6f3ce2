"""The graph: layers in their places, before anything is placed on devices or allocated."""

import re
from dataclasses import dataclass, field

from convnet.graph.dialect import Dialect
from convnet.graph.read_fields import FieldReader
from convnet.language import SpecFile
from convnet.layers import Layer, Shape, Tree

HOST = -1


@dataclass(eq=False, repr=False)
class Node:
    """A layer in its place: what it reads, what it produces, where it lives.

    devices: as written or inherited; data layers have (), they live on the host.
    folded_into: the layer that a detached neuron (or dropout key) was written in.
    owners: by input, the (node, input) whose weights are used; its own unless shared.
    reader: the fields' places in the files.
    """

    name: str
    layer: Layer
    inputs: list["Node"]
    shape: Shape
    devices: tuple[int, ...]
    folded_into: "Node | None" = None
    owners: list[tuple["Node", int]] = field(default_factory=list)
    reader: FieldReader | None = None

    def __repr__(self):
        return f"Node({self.name!r})"  # not the whole graph below it

    @property
    def is_data(self) -> bool:
        return self.layer.is_data

    @property
    def is_cost(self) -> bool:
        return self.layer.is_cost

    def owns(self, index: int) -> bool:
        return self.owners[index] == (self, index)

    def span(self, field_name: str = "", index: int | None = None):
        return self.reader.place_of(field_name, index)


@dataclass
class Graph:
    """All nodes in an order in which inputs come first, and the facts they were built with."""

    nodes: list[Node]
    dialect: Dialect
    layers_file: SpecFile
    params_file: SpecFile | None
    warnings: tuple = ()
    data_dims: dict[int, int] = field(default_factory=dict)
    tree: Tree | None = None

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def declared(self) -> list[Node]:
        """The layers as written, in file order."""
        return [node for node in self.nodes if node.folded_into is None]

    def parts_of(self, name: str) -> list[Node]:
        """The parts of a layer split over devices: `name`a, `name`b, ...; [] of any other name."""
        part = re.compile(re.escape(name) + r"[A-Za-z]\Z")
        found = [node for node in self.declared() if part.match(node.name)]
        return found if len(found) > 1 else []

    def folded(self, node: Node) -> list[Node]:
        """The detached neuron (and dropout key) of a declared layer, in order."""
        return [other for other in self.nodes if other.folded_into is node]

    def end_of(self, node: Node) -> Node:
        """The node with a declared layer's final output, behind its neuron."""
        return [node, *self.folded(node)][-1]

    def readers(self, node: Node) -> list[Node]:
        return [other for other in self.nodes if node in other.inputs]

    @property
    def device_count(self) -> int:
        return 1 + max((max(n.devices) for n in self.nodes if n.devices), default=0)
