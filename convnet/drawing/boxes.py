"""What is drawn: a box for each layer on each device, an arrow for each value that is read."""

from dataclasses import dataclass, field

from convnet.drawing.captions import details, family, size
from convnet.graph.build import HOST, Graph, Node
from convnet.graph.place import Unit, place
from convnet.graph.summary import neuron_text


@dataclass(eq=False)
class Box:
    """A layer with its neuron and dropout keys, on one device.

    title: its name.  details: its type and sizes.  size: of its output.  family: decides the color.
    column: the device in whose column it stands.  replica: its number, with `replicas` in all.
    learns: whether it has weights.  sources, readers: the boxes that it reads and that read it.
    """

    title: str
    details: str
    size: str
    family: str
    device: int
    column: int
    replica: int = 0
    replicas: int = 1
    learns: bool = False
    sources: list["Box"] = field(default_factory=list)
    readers: list["Box"] = field(default_factory=list)


def boxes_of(graph: Graph) -> list[Box]:
    """Return the boxes of a network, connected, sources before their readers.

    Of a network on one device, the data stand in its column.  Raises SpecError for what the files
    ask for and this version cannot run.
    """
    found: dict[tuple[Node, int], Box] = {}
    units = place(graph)
    devices = {unit.device for unit in units} - {HOST}
    host = next(iter(devices)) if len(devices) == 1 else HOST
    for unit in units:
        if unit.is_copy:
            continue
        key = _key(unit)
        box = found.get(key)
        if box is None:
            box = found[key] = _box(graph, unit, host)
        for source in dict.fromkeys(_read(unit)):
            other = found[_key(source)]
            if other is not box and other not in box.sources:
                box.sources.append(other)
                other.readers.append(box)
    return list(found.values())


def _read(unit: Unit) -> list[Unit]:
    """The units that a unit reads, through copies, in all its time slots."""
    found = []
    for sources in unit.sources:
        for source in sources:
            found.append(source.inputs[0] if source.is_copy else source)
    return found


def _key(unit: Unit) -> tuple[Node, int]:
    """Data of all microbatches are one box; a layer's neuron and dropout belong to its box."""
    declared = unit.node.declared_in or unit.node
    return declared, 0 if unit.is_data else unit.replica


def _box(graph: Graph, unit: Unit, host: int) -> Box:
    node = unit.node.declared_in or unit.node
    layer = node.layer
    device = HOST if unit.is_data else unit.device
    return Box(
        node.name,
        details(layer, neuron_text(graph, node)),
        "" if node.is_cost else size(graph.end_of(node).shape),
        family(layer),
        device,
        host if device == HOST else device,
        unit.replica,
        max(1, len(node.devices)),
        bool(layer.weights()),
    )
