"""The plan of a network: every buffer and every step, before the first byte is allocated.

Programs over the same memory: `load` (a minibatch goes from the host to the devices), `train`
(forward, backward, update), `gradients` (forward as in a test, backward) and `test` (forward).
Where updates come less often than minibatches, `train` has variants, which run one after the other:
train, train.1, ...
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from convnet.arithmetic import ceil_div
from convnet.graph.build import Graph
from convnet.graph.place import Rounds, Unit
from convnet.layers.base import Table, Weight
from convnet.layers.weighted import WeightLayer
from convnet.network.memory import Buffer, View
from convnet.network.partitions import VELOCITY, Partition
from convnet.network.record import Step


@dataclass(frozen=True)
class MicrobatchView:
    """Where the values of one microbatch are: of a layer's output, or the numbers of a cost."""

    view: View
    microbatch: int = 0


class SharedGradient(NamedTuple):
    """What a user of shared weights with a rate of its own contributes to the owner's gradient.

    factor: a control, the user's rate over the owner's.  input: that of the user, `unit`.
    """

    gradient: View
    factor: View
    unit: Unit
    input: int


class Replica(NamedTuple):
    """A parameter on another device of a replicated layer."""

    unit: Unit
    value: View
    gradient: View | None


@dataclass(eq=False)
class Parameter:
    """A trained array: `weights` of an input, or `biases` (index None).

    unit, value, gradient: of the first replica.  gradient: None where the parameter does not learn.
    shares: of the users of shared weights with rates of their own.
    replicas: on the other devices of a replicated layer.
    partitions: who updates what; none where the parameter does not learn.
    every: passes between updates.
    """

    unit: Unit
    index: int | None
    value: View
    gradient: View | None = None
    shares: list[SharedGradient] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)
    partitions: list[Partition] = field(default_factory=list)
    every: int = 1

    @property
    def name(self) -> str:
        return f"{self.unit.node.name}.{array_name(self.index)}"

    @property
    def layer(self) -> WeightLayer:
        return weight_layer(self.unit)

    @property
    def spec(self) -> Weight:
        return self.layer.biases() if self.index is None else self.layer.weights()[self.index]

    @property
    def learns(self) -> bool:
        return self.gradient is not None

    def trained_gradient(self) -> View:
        """The gradient of the first replica.  ValueError if the parameter is fixed."""
        if self.gradient is None:
            raise ValueError(f"{self.name} is not trained")
        return self.gradient

    @property
    def moments(self) -> tuple[str, ...]:
        """Names of the running means of the gradient that the update maintains."""
        return self.layer.moments(self.index) if self.learns else ()

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the arrays that the update maintains: the velocity, and the moments."""
        return (VELOCITY, *self.moments) if self.learns else ()

    def all_replicas(self) -> list[Replica]:
        """The parameter on each device, the first replica included."""
        return [Replica(self.unit, self.value, self.gradient), *self.replicas]


def array_name(index: int | None) -> str:
    """What a layer calls the weights of an input, or its biases (None)."""
    return "biases" if index is None else f"weights.{index}"


def is_weighted(unit: Unit) -> bool:
    """Whether a unit has weights; the copy of one with weights has none."""
    return isinstance(unit.layer, WeightLayer)


def weight_layer(unit: Unit) -> WeightLayer:
    """The layer of a unit with weights.  TypeError for any other."""
    if not isinstance(unit.layer, WeightLayer):
        raise TypeError(f"{unit.name} has no weights")
    return unit.layer


@dataclass(eq=False)
class PlannedTable:
    """Integers of a layer: what they are, and where they are, on each replica's device."""

    name: str
    spec: Table
    value: View
    replicas: list[View] = field(default_factory=list)


@dataclass(eq=False)
class Plan:
    """Buffers, steps and where to find things.

    minibatch: the largest number of cases.  variants: of the program `train`.  begun_sums:
    by variant, the gradients that it leaves to further minibatches and has overwritten, each with
    the microbatch that did.  outputs: by the unit's name.  microbatch_outputs, microbatch_costs: by
    the node's name, a node's output and the numbers of a cost, microbatch by microbatch.  costs:
    the first of these.  data_gradients: of the devices' copies of data layers, by the unit's name.
    random: the states of random numbers, by stream.
    """

    graph: Graph
    units: list[Unit]
    minibatch: int
    rounds: Rounds = Rounds()
    buffers: list[Buffer] = field(default_factory=list)
    programs: dict[str, list[Step]] = field(default_factory=dict)
    variants: int = 1
    begun_sums: list[dict[View, int]] = field(default_factory=list)
    outputs: dict[str, View] = field(default_factory=dict)
    microbatch_outputs: dict[str, list[MicrobatchView]] = field(default_factory=dict)
    data_gradients: dict[str, View] = field(default_factory=dict)
    parameters: list[Parameter] = field(default_factory=list)
    costs: dict[str, View] = field(default_factory=dict)
    microbatch_costs: dict[str, list[MicrobatchView]] = field(default_factory=dict)
    random: dict[str, View] = field(default_factory=dict)
    tables: list[PlannedTable] = field(default_factory=list)

    def unit(self, name: str) -> Unit:
        return next(unit for unit in self.units if unit.name == name)

    @property
    def capacity(self) -> int:
        """Cases that the buffers hold: those of one microbatch."""
        return ceil_div(self.minibatch, self.rounds.microbatches)

    def sizes(self, cases: int) -> tuple[int, ...]:
        """Cases of each microbatch of a minibatch; the last ones may be short or empty."""
        count = self.rounds.microbatches
        if count == 1:
            return (cases,)
        whole = ceil_div(cases, count)
        return tuple(min(whole, max(0, cases - whole * number)) for number in range(count))

    def bytes(self, real_bytes: int = 4) -> dict[int, dict[str, int]]:
        """Bytes by device and role, at the full minibatch."""
        table: dict[int, dict[str, int]] = {}
        for buffer in self.buffers:
            roles = table.setdefault(buffer.device, {})
            size = buffer.bytes(self.capacity, real_bytes)
            roles[buffer.role] = roles.get(buffer.role, 0) + size
        return table
