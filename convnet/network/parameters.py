"""Trained arrays and tables: their memory, which units share them, and their updates."""

from math import lcm

from convnet.arithmetic import ceil_div
from convnet.graph.build import Node
from convnet.graph.place import Unit
from convnet.layers.base import Table, Weight
from convnet.network.memory import Buffer, View
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
from convnet.network.record import Recorder
from convnet.operations import elementwise, transfer, update


class Parameters:
    """The parameters of all units.

    values, gradients: a unit's own arrays by (unit, index), those of a replica on its device; the
    gradient of a user of shared weights may be the owner's.  some_learn: False plans no gradients.
    """

    def __init__(self, plan: Plan, train_all: bool, update_every: int, some_learn: bool = True):
        self.plan, self.train_all, self.update_every = plan, train_all, update_every
        self.some_learn = some_learn
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
        self.arrivals = self._plan_arrivals()

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
        if unit.replica:
            self._plan_replica(unit, index, spec)
            return
        name = f"{unit.node.name}.{array_name(index)}"
        value = self._array(unit, spec, name, "weights")
        parameter = Parameter(unit, index, value, every=self._period(unit))
        if self.learns(unit, index):
            self._plan_learning(parameter)
        self._by_node[unit.node, index] = parameter
        self.values[unit, index] = parameter.value
        self.gradients[unit, index] = parameter.gradient
        self.plan.parameters.append(parameter)

    def _plan_learning(self, parameter: Parameter) -> None:
        unit, spec, name = parameter.unit, parameter.spec, parameter.name
        parameter.gradient = self._array(unit, spec, f"{name}.gradient", "weight gradients")
        parameter.velocity = self._array(unit, spec, f"{name}.velocity", "velocity")
        for moment in parameter.layer.moments(parameter.index):
            parameter.moments[moment] = self._array(unit, spec, f"{name}.{moment}", "velocity")
        count = 4 if parameter.moments else 3
        parameter.hyper = self._add(f"{name}.rates", unit.device, count, "controls", "float64")

    def _plan_replica(self, unit: Unit, index: int | None, spec: Weight) -> None:
        parameter = self._by_node[unit.node, index]
        name = f"{unit.name}.{array_name(index)}"
        value, gradient = self._array(unit, spec, name, "weights"), None
        if parameter.learns:
            gradient = self._array(unit, spec, f"{name}.gradient", "weight gradients")
        parameter.replicas.append(Replica(unit, value, gradient))
        self.values[unit, index], self.gradients[unit, index] = value, gradient

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

    def _plan_arrivals(self) -> dict[int, View]:
        """By device that sums replicas' gradients, memory for the largest to arrive in."""
        needs: dict[int, int] = {}
        for parameter in self.plan.parameters:
            if parameter.replicas and parameter.learns:
                device = parameter.unit.device
                needs[device] = max(needs.get(device, 0), parameter.spec.size)
        return {
            device: self._add(f"arrivals on device {device}", device, size, "arrivals")
            for device, size in needs.items()
        }

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

    def update(self, ops: Recorder, passed: int, written: set[View]) -> None:
        """Record the updates that are due after so many passes; layer by layer, then constraints.

        written: the gradients that hold something; those used up leave it.
        """
        due = [p for p in self.plan.parameters if p.learns and passed % p.every == 0]
        for unit in dict.fromkeys(parameter.unit for parameter in due):
            mine = [p for p in due if p.unit is unit and p.gradient in written]
            ops.layer, ops.microbatch = unit.name, None
            for parameter in mine:
                self.gather(ops, parameter, written)
                arrays = parameter.update_arrays()
                parameter.layer.update(ops, parameter.index, arrays, self.tables[unit])
                self._forget(parameter, written)
            for parameter in mine:
                if parameter.index is not None:
                    where = parameter.index, parameter.spec, parameter.value
                    parameter.layer.constrain(ops, *where)
            for parameter in mine:
                for _, value, _ in parameter.replicas:
                    transfer.copy(ops, parameter.value, value)

    def gather(
        self, ops: Recorder, parameter: Parameter, written: set[View], by_rate: bool = True
    ) -> None:
        """Record the sums of what other users and other replicas contribute to a gradient.

        by_rate: users with rates of their own contribute in proportion to them.
        """
        target, size = parameter.update_arrays().gradient, parameter.spec.size
        total = target.shaped(size)
        for gradient, factor, _, _ in parameter.shares:
            if gradient in written and by_rate:
                update.scaled_add(ops, gradient, target, factor)
            elif gradient in written:
                elementwise.scale(ops, gradient.shaped(size), total, 1.0, True)
        for unit, _, contribution in parameter.replicas:
            if contribution is not None and contribution in written:
                ops.microbatch = unit.microbatches[0] if unit.time_slots == 1 else None
                arrival = self.arrivals[parameter.unit.device].rows(0, size)
                transfer.copy(ops, contribution.shaped(size), arrival)
                elementwise.scale(ops, arrival, total, 1.0, True)
        ops.microbatch = None

    def _forget(self, parameter: Parameter, written: set[View]) -> None:
        """The gradients that go into a parameter's update hold nothing any more."""
        used = [parameter.gradient, *(replica.gradient for replica in parameter.replicas)]
        written.difference_update(view for view in used if view is not None)
        written.difference_update(share.gradient for share in parameter.shares)
