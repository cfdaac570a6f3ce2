"""Each layer gets its device; a value that crosses devices does so through a visible copy."""

from dataclasses import dataclass, field

from convnet.errors import SpecError
from convnet.graph.build import HOST, Graph, Node
from convnet.layers import Layer, Shape
from convnet.layers.transfer import Transfer
from convnet.spec import Problem


@dataclass(eq=False, repr=False)
class Unit:
    """One layer on one device, or a copy between two.  node: the layer as written."""

    name: str
    layer: Layer
    device: int
    inputs: list["Unit"]
    shape: Shape
    node: Node
    readers: list["Unit"] = field(default_factory=list)

    def __repr__(self):
        return f"Unit({self.name!r})"

    @property
    def is_copy(self) -> bool:
        return isinstance(self.layer, Transfer)

    @property
    def is_data(self) -> bool:
        return self.node.is_data and not self.is_copy


def place(graph: Graph) -> list[Unit]:
    """The units of a graph, in an order in which inputs come first.

    Data layers live on the host; each device that reads a layer of another device, or of the host,
    has one copy of it.  SpecError for what the graph asks for and this version cannot run.
    """
    _refuse_missing(graph)
    placer = _Placer()
    for node in graph.nodes:
        placer.add(node)
    return placer.units


def copies(units: list[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.is_copy]


class _Placer:
    def __init__(self):
        self.units: list[Unit] = []
        self.home: dict[Node, Unit] = {}
        self.copied: dict[tuple[Node, int], Unit] = {}

    def add(self, node: Node):
        device = node.devices[0] if node.devices else HOST
        inputs = [self._on(device, source) for source in node.inputs]
        self.home[node] = self._append(
            Unit(node.name, node.layer, device, inputs, node.shape, node)
        )

    def _append(self, unit):
        for source in dict.fromkeys(unit.inputs):
            source.readers.append(unit)
        self.units.append(unit)
        return unit

    def _on(self, device, node):
        """The unit through which `device` reads a node: itself, or its copy there."""
        home = self.home[node]
        if home.device == device:
            return home
        if (node, device) not in self.copied:
            layer = Transfer(f"{node.name} to device {device}")
            layer.output_shape([node.shape])
            unit = Unit(layer.name, layer, device, [home], node.shape, node)
            self.copied[node, device] = self._append(unit)
        return self.copied[node, device]


def _refuse_missing(graph: Graph):
    problems = [
        Problem(node.span(field_name), f"{node.name}: {message}")
        for node in graph.declared()
        for field_name, message in node.layer.missing()
    ]
    problems += [
        Problem(node.span("gpu"), f"{node.name}: replicas on several devices are not built yet")
        for node in graph.declared()
        if len(node.devices) > 1 and node.layer.gpu == node.devices  # not where inherited
    ]
    if problems:
        raise SpecError(problems)
