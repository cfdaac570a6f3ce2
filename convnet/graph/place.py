"""Places layers on devices.  A value goes from one device to another through a copy in the plan.

A layer on several devices (`gpu=0,1`) becomes as many replicas.  The minibatch is then split into
microbatches, as many as the most replicated layer has replicas, and goes through the network in
passes: as many as the ratio of most to fewest replicas.  A replica runs once every `period` passes;
each run is one of its time slots and has a microbatch of its own (cuda-convnet2; docs/dialect.md,
8.2).
"""

from dataclasses import dataclass, field

from convnet.errors import SpecError
from convnet.graph.build import HOST, Graph, Node
from convnet.language import Problem
from convnet.layers import Layer, Shape
from convnet.layers.transfer import Transfer


@dataclass(frozen=True)
class Rounds:
    """How a minibatch is split: the number of microbatches, and of passes over the network."""

    microbatches: int = 1
    passes: int = 1


@dataclass(eq=False, repr=False)
class Unit:
    """One layer on one device, or a copy between two.

    sources: for each input the units that it reads, by time slot; where there are fewer units than
    time slots, they repeat.  node: the layer as written.  replica: its number.  period: passes from
    one time slot to the next.  microbatches: by time slot, the microbatch that it processes.
    consumers: the units that read it.
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

    def __repr__(self) -> str:
        return f"Unit({self.name!r})"

    @property
    def is_copy(self) -> bool:
        """Whether it copies a value to another device."""
        return isinstance(self.layer, Transfer)

    @property
    def is_data(self) -> bool:
        """Whether it is a data layer itself."""
        return self.node.is_data and not self.is_copy

    @property
    def brings_data(self) -> bool:
        """Whether it is a copy of a data layer from the host."""
        return self.node.is_data and self.is_copy

    @property
    def inputs(self) -> list["Unit"]:
        """The units read in the first time slot; without replicas it is the only one."""
        return self.inputs_of(0)

    def inputs_of(self, slot: int) -> list["Unit"]:
        """Return the units read in a time slot."""
        return [units[slot % len(units)] for units in self.sources]

    @property
    def time_slots(self) -> int:
        """The number of time slots in a minibatch."""
        return len(self.microbatches)

    def time_slot_in(self, number: int) -> int:
        """Return the time slot that the pass of that number belongs to."""
        return number // self.period % self.time_slots


def place(graph: Graph) -> list[Unit]:
    """Return the units of a graph, inputs before their consumers.

    Data layers are on the host; each device that reads a layer of another device, or of the host,
    has one copy of it.  Raises SpecError for what the files ask for and this version cannot run.
    """
    _refuse_missing(graph)
    placer = _Placer(rounds_of(graph))
    for node in graph.nodes:
        placer.add(node)
    return placer.units


def copies(units: list[Unit]) -> list[Unit]:
    """Return the units that copy values between devices."""
    return [unit for unit in units if unit.is_copy]


def rounds_of(graph: Graph) -> Rounds:
    """Return how replicas split the minibatch.  Raises SpecError if their numbers do not match."""
    _check_replicas(graph)
    counts = [len(node.devices) for node in graph.nodes if not node.is_data] or [1]
    return Rounds(max(counts), max(counts) // min(counts))


class _Placer:
    """Makes the units of one node after another."""

    def __init__(self, rounds: Rounds) -> None:
        self.rounds = rounds
        self.units: list[Unit] = []
        self.units_of: dict[tuple[Node, int], Unit] = {}
        self.copied: dict[tuple[Unit, int], Unit] = {}

    def add(self, node: Node) -> None:
        """Add a unit for each device of a node, and the copies it needs."""
        if node.is_data:
            for microbatch in range(self.rounds.microbatches):
                self._add_data(node, microbatch)
            return
        for replica, device in enumerate(node.devices):
            self._add_replica(node, replica, device)

    def _add_data(self, node: Node, microbatch: int) -> None:
        name = _name(node, microbatch, self.rounds.microbatches)
        unit = Unit(name, node.layer, HOST, [], node.shape, node, microbatch)
        unit.microbatches = (microbatch,)
        self.units_of[node, microbatch] = self._append(unit)

    def _add_replica(self, node: Node, replica: int, device: int) -> None:
        count = len(node.devices)
        slots = self.rounds.microbatches // count
        sources = [self._sources(source, replica, count, slots) for source in node.inputs]
        unit = Unit(_name(node, replica, count), node.layer, device, [], node.shape, node, replica)
        unit.period = self.rounds.passes // slots
        unit.microbatches = tuple(replica + count * slot for slot in range(slots))
        unit.sources = [[self._on(device, source) for source in units] for units in sources]
        self.units_of[node, replica] = self._append(unit)

    def _sources(self, node: Node, replica: int, count: int, slots: int) -> list[Unit]:
        """The units of an input that a replica reads, by time slot."""
        if node.is_data:
            return [self.units_of[node, replica + count * slot] for slot in range(slots)]
        before = len(node.devices)
        return [self.units_of[node, replica + count * i] for i in range(before // count)]

    def _append(self, unit: Unit) -> Unit:
        for source in dict.fromkeys(unit for units in unit.sources for unit in units):
            source.consumers.append(unit)
        self.units.append(unit)
        return unit

    def _on(self, device: int, source: Unit) -> Unit:
        """The unit through which `device` reads a unit: itself, or its copy there."""
        if source.device == device:
            return source
        if (source, device) not in self.copied:
            written = (source.node.declared_in or source.node).layer
            half = [] if source.device == HOST else [written.quant_f, written.quant_b]
            name = f"{source.name} to device {device}"
            layer = Transfer(name, *(precision == "half" for precision in half))
            layer.bind([source.shape])
            unit = Unit(layer.name, layer, device, [[source]], source.shape, source.node)
            unit.replica = source.replica
            unit.period, unit.microbatches = source.period, source.microbatches
            self.copied[source, device] = self._append(unit)
        return self.copied[source, device]


def _name(node: Node, number: int, count: int) -> str:
    """The name of a unit.  Layer names have no colon, so a replica's name is no layer's."""
    return node.name if count == 1 else f"{node.name}:{number}"


def _refuse_missing(graph: Graph) -> None:
    problems = [
        Problem(node.span(field_name), f"{node.name}: {message}")
        for node in graph.declared()
        for field_name, message in node.layer.missing()
    ]
    if problems:
        raise SpecError(problems)


def _check_replicas(graph: Graph) -> None:
    """Raise SpecError for numbers of replicas against docs/dialect.md, 8.2.

    Data layers have as many as their consumers.
    """
    problems = [
        Problem(node.span("gpu"), message)
        for mistake in (_inputs_mistake, _consumers_mistake)
        for node in graph.nodes
        if (message := mistake(graph, node))
    ]
    if problems:
        raise SpecError(problems)


def _inputs_mistake(_: Graph, node: Node) -> str:
    """Why the replicas of a node do not match those of its inputs; "" if they do."""
    counts = {source.name: len(source.devices) for source in node.inputs if source.devices}
    found = ", ".join(f"{name} has {count}" for name, count in counts.items())
    mine = len(node.devices)
    if len(set(counts.values())) > 1:
        return f"{node.name}: its inputs must have equal numbers of replicas; {found}"
    if any(count % mine for count in counts.values()):
        return f"{node.name}: {mine} replicas do not divide those of its inputs; {found}"
    return ""


def _consumers_mistake(graph: Graph, node: Node) -> str:
    """Why the layers that read a node do not match in their replicas; "" if they do."""
    counts = {len(consumer.devices) for consumer in graph.consumers(node)}
    if not node.devices or len(counts) < 2:
        return ""
    found = " and ".join(map(str, sorted(counts)))
    return f"layers that read {node.name} must have equal numbers of replicas, found {found}"
