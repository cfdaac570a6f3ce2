"""The graph: layers with their inputs and shapes, before anything is placed or allocated."""

import re
from dataclasses import dataclass, field

from convnet.graph.dialect import Dialect
from convnet.graph.read_fields import FieldReader
from convnet.language import Problem, Span, SpecFile
from convnet.layers import Layer, Shape, Tree

HOST = -1


@dataclass(eq=False, repr=False)
class Node:
    """A layer of the graph: what it reads, the shape of its output, its devices.

    devices: as written or inherited; () for data layers, which are on the host.
    declared_in: for an implicit layer, the layer whose `neuron` or `dropout` key declares it.
    owners: by input, the (node, input) whose weights are used; its own unless shared.
    reader: knows where the fields are in the files.
    """

    name: str
    layer: Layer
    inputs: list["Node"]
    shape: Shape
    devices: tuple[int, ...]
    declared_in: "Node | None" = None
    owners: list[tuple["Node", int]] = field(default_factory=list)
    reader: FieldReader | None = None

    def __repr__(self) -> str:
        return f"Node({self.name!r})"  # not the whole graph below it

    @property
    def is_data(self) -> bool:
        return self.layer.is_data

    @property
    def is_cost(self) -> bool:
        return self.layer.is_cost

    def owns(self, index: int) -> bool:
        """Return whether the weights of an input are its own."""
        return self.owners[index] == (self, index)

    def span(self, field_name: str = "", index: int | None = None) -> Span | None:
        """Return where a field (or its entry `index`) is written, else the section's name."""
        return self.reader.span_of(field_name, index) if self.reader is not None else None


@dataclass
class Graph:
    """All nodes, inputs before their consumers, and what they were built from.

    data_dims: values per case of each data matrix, by dataIdx.  tree: of the data's labels.
    """

    nodes: list[Node]
    dialect: Dialect
    layers_file: SpecFile
    params_file: SpecFile | None
    warnings: tuple[Problem, ...] = ()
    data_dims: dict[int, int] = field(default_factory=dict)
    tree: Tree | None = None

    def node(self, name: str) -> Node:
        """Return the node of that name.  Raises StopIteration if there is none."""
        return next(node for node in self.nodes if node.name == name)

    def declared(self) -> list[Node]:
        """Return the layers as written, in file order."""
        return [node for node in self.nodes if node.declared_in is None]

    def parts_of(self, name: str) -> list[Node]:
        """Return the parts of a layer split over devices, `name`a, `name`b, ...; else []."""
        part = re.compile(re.escape(name) + r"[A-Za-z]\Z")
        found = [node for node in self.declared() if part.match(node.name)]
        return found if len(found) > 1 else []

    def implicit(self, node: Node) -> list[Node]:
        """Return the dropout and the neuron that keys of a declared layer stand for, in order."""
        return [other for other in self.nodes if other.declared_in is node]

    def end_of(self, node: Node) -> Node:
        """Return the node with a declared layer's final output, after its neuron."""
        return [node, *self.implicit(node)][-1]

    def consumers(self, node: Node) -> list[Node]:
        """Return the nodes that read a node."""
        return [other for other in self.nodes if node in other.inputs]

    @property
    def device_count(self) -> int:
        """The number of devices that the files use."""
        return 1 + max((max(n.devices) for n in self.nodes if n.devices), default=0)
