"""Trained arrays and tables: their memory, which units share them, and who updates them."""

from math import lcm

from convnet.arithmetic import ceil_div
from convnet.graph.build import Node
from convnet.graph.place import Unit
from convnet.layers.base import Table, Weight
from convnet.network.memory import Buffer, View
from convnet.network.partitions import ONE_EACH, Partition, Partitioning, values_of
from convnet.network.plan import (
    Parameter,
    Plan,
    PlannedTable,
    Replica,
    SharedGradient,
    array_name,
    is_weighted,
    weight_layer,
)


class Parameters:
    """The parameters of all units.

    values, gradients: a unit's own arrays by (unit, index), those of a replica on its device; the
    gradient of a user of shared weights may be the owner's.  some_learn: False plans no gradients.
    """

    def __init__(
        self,
        plan: Plan,
        train_all: bool,
        update_every: int,
        some_learn: bool = True,
        partitioning: Partitioning = ONE_EACH,
    ):
        self.plan, self.train_all, self.update_every = plan, train_all, update_every
        self.some_learn, self.partitioning = some_learn, partitioning
        self.values: dict[tuple[Unit, int | None], View] = {}
        self.gradients: dict[tuple[Unit, int | None], View | None] = {}
        self.tables: dict[Unit, dict[str, View]] = {unit: {} for unit in plan.units}
        self._by_node: dict[tuple[Node, int | None], Parameter] = {}
        self._planned_tables: dict[tuple[Node, str], PlannedTable] = {}
        self._units = {(u.node, u.replica): u for u in plan.units if not u.is_copy}
        for unit in plan.units:
            if is_weighted(unit):
                self._plan_unit(unit)
        for unit in plan.units:
            self._plan_tables(unit)

    def _add(self, name: str, device: int, count: int, role: str, dtype: str = "real") -> View:
        buffer = Buffer(name, device, count, role, per_case=False, dtype=dtype)
        self.plan.buffers.append(buffer)
        return buffer.view()

    # -- memory ------------------------------------------------------------------------------------

    def _plan_unit(self, unit: Unit) -> None:
        layer = weight_layer(unit)
        for index, weight in enumerate(layer.weights()):
            if unit.node.owns(index):
                self._plan_parameter(unit, index, weight)
            else:
                self._share(unit, index)
        self._plan_parameter(unit, None, layer.biases())

    def _plan_parameter(self, unit: Unit, index: int | None, spec: Weight) -> None:
        value, gradient = self._array(unit, spec, _name(unit, index), "weights"), None
        if self.learns(unit, index):
            name = f"{_name(unit, index)}.gradient"
            gradient = self._array(unit, spec, name, "weight gradients")
        self.values[unit, index], self.gradients[unit, index] = value, gradient
        if unit.replica == 0:
            parameter = Parameter(unit, index, value, gradient, every=self._period(unit))
            self._by_node[unit.node, index] = parameter
            self.plan.parameters.append(parameter)
        else:
            self._by_node[unit.node, index].replicas.append(Replica(unit, value, gradient))
        if unit.replica == len(unit.node.devices) - 1:
            self._plan_partitions(self._by_node[unit.node, index])

    def _plan_partitions(self, parameter: Parameter) -> None:
        """Plan what updates maintain, once all replicas are known."""
        if not parameter.learns:
            return
        size, replicas = parameter.spec.size, parameter.all_replicas()
        ranges = [(0, size)]
        if parameter.layer.updates_elementwise(parameter.index):
            ranges = self.partitioning.ranges(size, len(replicas))
        parameter.partitions = [
            self._partition(parameter, replica, start, count)
            for replica, (start, count) in zip(replicas, ranges, strict=False)
        ]

    def _partition(
        self, parameter: Parameter, replica: Replica, start: int, count: int
    ) -> Partition:
        unit, name = replica.unit, _name(replica.unit, parameter.index)
        device = unit.device
        dims = parameter.spec.shape if count == parameter.spec.size else (count,)
        state = {
            kind: self._add(f"{name}.{kind}", device, count, "velocity").shaped(*dims)
            for kind in parameter.state_names
        }
        controls = 4 if parameter.moments else 3
        hyper = self._add(f"{name}.rates", device, controls, "controls", "float64")
        arrivals = {
            other.unit: self._add(f"{name}.arrival.{other.unit.replica}", device, count, "arrivals")
            for other in parameter.all_replicas()
            if other.unit is not unit
        }
        value = values_of(replica.value, start, count)
        gradient = arrivals.get(parameter.unit)  # the sum begins with the first replica's
        if gradient is None:
            gradient = values_of(parameter.trained_gradient(), start, count)
        return Partition(unit, start, value, gradient, hyper, state, arrivals)

    def _array(self, unit: Unit, spec: Weight, name: str, role: str) -> View:
        return self._add(name, unit.device, spec.size, role).shaped(*spec.shape)

    def _share(self, unit: Unit, index: int) -> None:
        node, at = unit.node.owners[index]
        owner = self._units[node, unit.replica]
        parameter = self._by_node[node, at]
        self.values[unit, index] = self.values[owner, at]
        learns = self.learns(unit, index)  # a user with rate 0 contributes nothing
        self.gradients[unit, index] = self.gradients[owner, at] if learns else None
        if parameter.learns and learns and self._own_rate(unit, index, parameter):
            name = f"{unit.name}.weights.{index}"
            gradient = self._array(unit, parameter.spec, f"{name}.gradient", "weight gradients")
            factor = self._add(f"{name}.share", unit.device, 1, "controls", "float64")
            parameter.shares.append(SharedGradient(gradient, factor, unit, index))
            self.gradients[unit, index] = gradient

    def _own_rate(self, unit: Unit, index: int, parameter: Parameter) -> bool:
        """Whether a user's contribution is scaled by its own rate (docs/dialect.md, 5.2)."""
        layer = weight_layer(unit)
        differ = layer.learning_rate(index) != parameter.layer.learning_rate(parameter.index)
        by_user = self.plan.graph.dialect.users_scale_shared_gradients
        replicated = len(unit.node.devices) > 1
        summed = layer.sums_shared_gradients or bool(parameter.moments) or replicated
        return differ and (by_user or not summed)

    def _plan_tables(self, unit: Unit) -> None:
        for name, table in unit.layer.tables().items():
            at = table.input
            if at is not None and not unit.node.owns(at):
                node, at = unit.node.owners[at]
                theirs = f"{name.rpartition('.')[0]}.{at}"
                self.tables[unit][name] = self.tables[self._units[node, unit.replica]][theirs]
            else:
                self.tables[unit][name] = self._plan_table(unit, name, table)

    def _plan_table(self, unit: Unit, name: str, table: Table) -> View:
        view = self._add(f"{unit.name}.{name}", unit.device, table.size, "state", "int32")
        if unit.replica:
            self._planned_tables[unit.node, name].replicas.append(view)
            return view
        planned = PlannedTable(f"{unit.node.name}.{name}", table, view)
        self._planned_tables[unit.node, name] = planned
        self.plan.tables.append(planned)
        return view

    # -- learning ----------------------------------------------------------------------------------

    def learns(self, unit: Unit, index: int | None) -> bool:
        rated = self.train_all or weight_layer(unit).learning_rate(index).base > 0
        return self.some_learn and rated

    def any_learns(self, unit: Unit) -> bool:
        rated = is_weighted(unit) and (self.train_all or weight_layer(unit).learns())
        return self.some_learn and rated

    def _period(self, unit: Unit) -> int:
        """Passes between updates: a multiple of the unit's period (docs/dialect.md, 8.2)."""
        passes = self.plan.rounds.passes
        if self.update_every > 1:
            return self.update_every * passes
        asked = weight_layer(unit).update_period
        if not asked and self.plan.graph.dialect.updates_once_a_minibatch:
            return passes
        return ceil_div(max(asked, unit.period), unit.period) * unit.period

    def variants(self) -> int:
        """Minibatches after which the order of updates repeats."""
        passes = self.plan.rounds.passes
        return lcm(passes, *(p.every for p in self.plan.parameters if p.learns)) // passes


def _name(unit: Unit, index: int | None) -> str:
    """What the arrays of a parameter are named after: the layer, or a further replica of it."""
    of = unit.name if unit.replica else unit.node.name
    return f"{of}.{array_name(index)}"
