"""The plan of a network: every buffer and every step, before the first byte is allocated.

Programs over the same memory: `load` (a minibatch goes from the host to the devices), `train`
(forward, backward, update), `gradients` (forward as in a test, backward) and `test` (forward).
Where updates come less often than minibatches, `train` has variants, used in turn: train, train.1,
...
"""

from dataclasses import dataclass, field

from convnet.graph.build import Graph
from convnet.graph.place import Rounds, Unit
from convnet.layers.base import Table
from convnet.network.memory import Buffer, View
from convnet.network.record import Step


@dataclass(frozen=True)
class Slot:
    """Values of one microbatch: of a layer's output, or of a cost."""

    view: View
    microbatch: int = 0


@dataclass(eq=False)
class Parameter:
    """A trained array: `weights` of an input, or `biases` (index None).

    hyper: [momentum, rate / cases, rate * decay], set before each step.
    moments: running means of the gradient that the update keeps, by name.
    shares: (gradient, factor, unit, index) of users of shared weights with rates of their own.
    replicas: (unit, value, gradient) on the other devices of a replicated layer.
    every: passes between updates.
    """

    unit: Unit
    index: int | None
    value: View
    gradient: View | None = None
    velocity: View | None = None
    hyper: View | None = None
    moments: dict[str, View] = field(default_factory=dict)
    shares: list = field(default_factory=list)
    replicas: list[tuple[Unit, View, View | None]] = field(default_factory=list)
    every: int = 1

    @property
    def name(self) -> str:
        kind = "biases" if self.index is None else f"weights.{self.index}"
        return f"{self.unit.node.name}.{kind}"

    @property
    def spec(self):
        layer = self.unit.layer
        return layer.biases() if self.index is None else layer.weights()[self.index]

    @property
    def learns(self) -> bool:
        return self.gradient is not None


@dataclass(eq=False)
class PlannedTable:
    """Whole numbers of a layer: what they are, and where they stand, on each replica's device."""

    name: str
    spec: Table
    value: View
    replicas: list[View] = field(default_factory=list)


@dataclass(eq=False)
class Plan:
    """Buffers, steps and where to find things.

    minibatch: the largest number of cases.  outputs, output_gradients: by the unit's name.  slots,
    cost_slots: the pieces of a node's output, and of a cost, by microbatch, by the node's name.
    variants: of the program `train`.
    """

    graph: Graph
    units: list[Unit]
    minibatch: int
    rounds: Rounds = Rounds()
    buffers: list[Buffer] = field(default_factory=list)
    programs: dict[str, list[Step]] = field(default_factory=dict)
    variants: int = 1
    outputs: dict[str, View] = field(default_factory=dict)
    slots: dict[str, list[Slot]] = field(default_factory=dict)
    output_gradients: dict[str, View] = field(default_factory=dict)
    parameters: list[Parameter] = field(default_factory=list)
    costs: dict[str, View] = field(default_factory=dict)
    cost_slots: dict[str, list[Slot]] = field(default_factory=dict)
    random: dict[str, View] = field(default_factory=dict)
    tables: list[PlannedTable] = field(default_factory=list)

    def unit(self, name: str) -> Unit:
        return next(unit for unit in self.units if unit.name == name)

    @property
    def capacity(self) -> int:
        """Cases that the buffers hold: of one microbatch."""
        return -(-self.minibatch // self.rounds.microbatches)

    def sizes(self, cases: int) -> tuple[int, ...]:
        """Cases of each microbatch of a minibatch; the last ones may be short or empty."""
        count = self.rounds.microbatches
        whole = -(-cases // count)
        return tuple(min(whole, max(0, cases - whole * number)) for number in range(count))

    def bytes(self, real_bytes: int = 4) -> dict[int, dict[str, int]]:
        """Bytes by device and role, at the full minibatch."""
        table: dict[int, dict[str, int]] = {}
        for buffer in self.buffers:
            roles = table.setdefault(buffer.device, {})
            size = buffer.bytes(self.capacity, real_bytes)
            roles[buffer.role] = roles.get(buffer.role, 0) + size
        return table
