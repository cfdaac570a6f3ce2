"""Each layer gets its devices; a value that crosses devices does so through a visible copy.

A layer on several devices (`gpu=0,1`) becomes as many replicas.  The minibatch is then cut into
microbatches, as many as the most replicated layer has replicas, and goes through the network in
passes: as many as the ratio of most to fewest replicas.  A layer with R replicas acts every
`period` passes, on the microbatch of its turn (cuda-convnet2; dialect, 8.2).
"""

from dataclasses import dataclass, field

from convnet.errors import SpecError
from convnet.graph.build import HOST, Graph, Node
from convnet.language import Problem
from convnet.layers import Layer, Shape
from convnet.layers.transfer import Transfer


@dataclass(frozen=True)
class Rounds:
    """How a minibatch is cut: microbatches, and passes over the network."""

    microbatches: int = 1
    passes: int = 1


@dataclass(eq=False, repr=False)
class Unit:
    """One layer on one device, or a copy between two.  node: the layer as written.

    sources: for each input the units it is taken from, by time slot.  replica: its number.
    period: passes in a time slot.  microbatches: by time slot, the microbatch it works on.
    """

    name: str
    layer: Layer
    device: int
    sources: list[list["Unit"]]
    shape: Shape
    node: Node
    replica: int = 0
    period: int = 1
    microbatches: tuple[int, ...] = (0,)
    consumers: list["Unit"] = field(default_factory=list)

    def __repr__(self):
        return f"Unit({self.name!r})"

    @property
    def is_copy(self) -> bool:
        return isinstance(self.layer, Transfer)

    @property
    def is_data(self) -> bool:
        return self.node.is_data and not self.is_copy

    @property
    def brings_data(self) -> bool:
        """Whether it is the copy of a data layer, which comes from the host."""
        return self.node.is_data and self.is_copy

    @property
    def inputs(self) -> list["Unit"]:
        """What is read in the first time slot; in all where there are no replicas."""
        return self.inputs_of(0)

    def inputs_of(self, slot: int) -> list["Unit"]:
        return [units[slot % len(units)] for units in self.sources]

    @property
    def time_slots(self) -> int:
        """Time slots in a minibatch."""
        return len(self.microbatches)

    def time_slot_in(self, number: int) -> int:
        """The time slot that the pass of that number belongs to."""
        return number // self.period % self.time_slots


def place(graph: Graph) -> list[Unit]:
    """The units of a graph, in an order in which inputs come first.

    Data layers live on the host; each device that reads a layer of another device, or of the host,
    has one copy of it.  SpecError for what the graph asks for and this version cannot run.
    """
    _refuse_missing(graph)
    placer = _Placer(rounds_of(graph))
    for node in graph.nodes:
        placer.add(node)
    return placer.units


def copies(units: list[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.is_copy]


def rounds_of(graph: Graph) -> Rounds:
    """How replicas cut the minibatch.  SpecError where their numbers do not fit together."""
    _check_replicas(graph)
    counts = [len(node.devices) for node in graph.nodes if not node.is_data] or [1]
    return Rounds(max(counts), max(counts) // min(counts))


class _Placer:
    def __init__(self, rounds: Rounds):
        self.rounds = rounds
        self.units: list[Unit] = []
        self.home: dict[tuple[Node, int], Unit] = {}
        self.copied: dict[tuple[Unit, int], Unit] = {}

    def add(self, node: Node):
        if node.is_data:
            for microbatch in range(self.rounds.microbatches):
                self._add_data(node, microbatch)
            return
        for replica, device in enumerate(node.devices):
            self._add_replica(node, replica, device)

    def _add_data(self, node, microbatch):
        name = _name(node, microbatch, self.rounds.microbatches)
        unit = Unit(name, node.layer, HOST, [], node.shape, node, microbatch)
        unit.microbatches = (microbatch,)
        self.home[node, microbatch] = self._append(unit)

    def _add_replica(self, node, replica, device):
        count = len(node.devices)
        turns = self.rounds.microbatches // count
        sources = [self._sources(source, replica, count, turns) for source in node.inputs]
        unit = Unit(_name(node, replica, count), node.layer, device, [], node.shape, node, replica)
        unit.period = self.rounds.passes // turns
        unit.microbatches = tuple(replica + count * turn for turn in range(turns))
        unit.sources = [[self._on(device, source) for source in units] for units in sources]
        self.home[node, replica] = self._append(unit)

    def _sources(self, node, replica, count, turns):
        """The units of an input that a replica reads, by turn."""
        if node.is_data:
            return [self.home[node, replica + count * turn] for turn in range(turns)]
        before = len(node.devices)
        return [self.home[node, replica + count * i] for i in range(before // count)]

    def _append(self, unit):
        for source in dict.fromkeys(unit for units in unit.sources for unit in units):
            source.consumers.append(unit)
        self.units.append(unit)
        return unit

    def _on(self, device, source):
        """The unit through which `device` reads a unit: itself, or its copy there."""
        if source.device == device:
            return source
        if (source, device) not in self.copied:
            written = (source.node.folded_into or source.node).layer
            half = [] if source.device == HOST else [written.quant_f, written.quant_b]
            name = f"{source.name} to device {device}"
            layer = Transfer(name, *(precision == "half" for precision in half))
            layer.bind([source.shape])
            unit = Unit(layer.name, layer, device, [[source]], source.shape, source.node)
            unit.replica = source.replica
            unit.period, unit.microbatches = source.period, source.microbatches
            self.copied[source, device] = self._append(unit)
        return self.copied[source, device]


def _name(node, number, count):
    """Layer names hold no colon, so a replica's name is no layer's."""
    return node.name if count == 1 else f"{node.name}:{number}"


def _refuse_missing(graph: Graph):
    problems = [
        Problem(node.span(field_name), f"{node.name}: {message}")
        for node in graph.declared()
        for field_name, message in node.layer.missing()
    ]
    if problems:
        raise SpecError(problems)


def _check_replicas(graph: Graph):
    """The rules of dialect 8.2; data layers follow their readers."""
    problems = []
    for node in graph.nodes:
        counts = {source.name: len(source.devices) for source in node.inputs if source.devices}
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        mine = len(node.devices)
        if len(set(counts.values())) > 1:
            message = f"{node.name}: its inputs must have equal numbers of replicas; {told}"
        elif any(count % mine for count in counts.values()):
            message = f"{node.name}: {mine} replicas do not divide those of its inputs; {told}"
        else:
            continue
        problems.append(Problem(node.span("gpu"), message))
    for node in graph.nodes:
        counts = {len(reader.devices) for reader in graph.readers(node)}
        if node.devices and len(counts) > 1:
            message = f"the readers of {node.name} must have equal numbers of replicas"
            problems.append(Problem(node.span("gpu"), f"{message}, found {sorted(counts)}"))
    if problems:
        raise SpecError(problems)
