"""Record the programs: the layers' calls in order, pass by pass, and updates between them."""

from convnet.graph.place import Unit
from convnet.layers.base import NO_ARRAY, Values
from convnet.layers.cost import Cost
from convnet.network.fusion import fuse
from convnet.network.memory import Buffer, View
from convnet.network.outputs import Outputs, SavedViews
from convnet.network.parameters import Parameters
from convnet.network.partitions import Partitioning
from convnet.network.plan import Plan, is_weighted
from convnet.network.record import Recorder, Step
from convnet.network.updates import Updates


def record_programs(
    plan: Plan,
    train_all: bool,
    input_gradients: bool,
    update_every: int,
    partitioning: Partitioning,
) -> None:
    """Plan all memory of a plan and record its programs."""
    parameters = Parameters(plan, train_all, update_every, partitioning=partitioning)
    programs = _Programs(plan, parameters, input_gradients)
    plan.variants = programs.parameters.variants()
    plan.programs["load"] = programs.load()
    for number, steps in enumerate(programs.train(plan.variants)):
        plan.programs["train" if number == 0 else f"train.{number}"] = fuse(steps)
    plan.programs["gradients"] = fuse(programs.gradients())
    plan.programs["test"] = fuse(programs.test())


def record_test(plan: Plan) -> None:
    """Plan the memory of a test, without gradients, and record the programs `load` and `test`."""
    parameters = Parameters(plan, train_all=False, update_every=1, some_learn=False)
    programs = _Programs(plan, parameters, input_gradients=False)
    plan.programs["load"] = programs.load()
    plan.programs["test"] = fuse(programs.test())


class _Programs:
    """Records layers' calls, and which gradients hold something at each point.

    dy: gradients of outputs whose units have not run backward yet.  written: gradients of
    parameters that hold something.  begun: those that the current program overwrote, each with the
    microbatch that did.
    """

    def __init__(self, plan: Plan, parameters: Parameters, input_gradients: bool):
        self.plan, self.parameters, self.input_gradients = plan, parameters, input_gradients
        self.updates = Updates(plan, parameters.tables)
        self.outputs = Outputs(plan)
        self.saved = {unit: SavedViews(self.outputs, unit) for unit in plan.units}
        self.gradient_buffers: dict[object, Buffer] = {}
        self.trained_below = self._trained_below()
        self.dy: dict[Unit, View] = {}
        self.written: set[View] = set()
        self.begun: dict[View, int] = {}

    def _trained_below(self) -> set[Unit]:
        """Units at or below which something is trained: gradients are sent down to these."""
        found: set[Unit] = set()
        for unit in self.plan.units:
            wanted = self.input_gradients and unit.is_copy and unit.node.is_data
            below = any(source in found for units in unit.sources for source in units)
            if wanted or below or self.parameters.any_learns(unit):
                found.add(unit)
        return found

    # -- programs ----------------------------------------------------------------------------------

    def load(self) -> list[Step]:
        """Copies from the host, but for those to memory that several time slots share."""
        ops = Recorder()
        ops.phase = "load"
        for unit in filter(self.outputs.are_loaded, self.plan.units):
            ops.layer, ops.microbatch = unit.name, unit.microbatches[0]
            unit.layer.forward(ops, self._values(unit, 0, training=False))
        return ops.steps

    def train(self, variants: int) -> list[list[Step]]:
        """One list of steps for each of the minibatches after which updates repeat."""
        self.dy, self.written = {}, set()
        found: list[list[Step]] = []
        passed = 0
        for _ in range(variants):
            ops, self.begun = Recorder(), {}
            for number in range(self.plan.rounds.passes):
                self._forward(ops, number, training=True)
                self._backward(ops, number, training=True)
                passed += 1
                ops.phase = "update"
                self.updates.record(ops, passed, self.written)
            found.append(ops.steps)
            kept = {view: m for view, m in self.begun.items() if view in self.written}
            self.plan.begun_sums.append(kept)
        return found

    def gradients(self) -> list[Step]:
        """Forward as in a test, and backward; the gradients of replicas are summed."""
        self.dy, self.written = {}, set()
        ops = Recorder()
        for number in range(self.plan.rounds.passes):
            self._forward(ops, number, training=False)
            self._backward(ops, number, training=False)
        ops.phase, summed = "update", range(self.plan.rounds.passes)
        for parameter in self.plan.parameters:
            if parameter.gradient in self.written:
                self.updates.reduce(ops, parameter, summed, self.written, by_rate=False)
        return ops.steps

    def test(self) -> list[Step]:
        """Forward."""
        ops = Recorder()
        for number in range(self.plan.rounds.passes):
            self._forward(ops, number, training=False)
        return ops.steps

    def _forward(self, ops: Recorder, number: int, training: bool) -> None:
        ops.phase, ops.number = "forward", number
        for unit in self.plan.units:
            loaded = unit.is_data or self.outputs.are_loaded(unit)
            if loaded or not self._acts(unit, number):
                continue
            slot = unit.time_slot_in(number)
            ops.layer, ops.microbatch = unit.name, unit.microbatches[slot]
            unit.layer.forward(ops, self._values(unit, slot, training))

    def _acts(self, unit: Unit, number: int) -> bool:
        """Units act every period; a copy is made in the pass in which a consumer takes it."""
        if not unit.is_copy:
            return number % unit.period == 0
        return any(
            number % other.period == 0 and unit in other.inputs_of(other.time_slot_in(number))
            for other in unit.consumers
        )

    def _backward(self, ops: Recorder, number: int, training: bool) -> None:
        ops.phase, ops.number = "backward", number
        for unit in reversed(self.plan.units):
            if unit not in self.trained_below or unit.is_data or not self._has_gradient(unit):
                continue
            if not unit.is_copy and (number + 1) % unit.period:
                continue
            slot = unit.time_slot_in(number)
            ops.layer, ops.microbatch = unit.name, unit.microbatches[slot]
            values = self._values(unit, slot, training)
            self._plan_input_gradients(unit, slot, values)
            self._plan_parameter_gradients(unit, unit.microbatches[slot], values)
            unit.layer.backward(ops, values)
            self._release_output_gradient(unit)

    def _release_output_gradient(self, unit: Unit) -> None:
        """The gradient of a unit's output is used up; in the next time slot it is written again."""
        view = self.dy.pop(unit, None)
        if view is not None and unit.is_copy and unit.node.is_data:
            self.plan.data_gradients[unit.name] = view

    # -- one unit's arrays -------------------------------------------------------------------------

    def _values(self, unit: Unit, slot: int, training: bool) -> Values:
        """What a unit's layer reads and writes in a time slot; no gradients yet but dy."""
        inputs = unit.inputs_of(slot)
        weighted, cost = is_weighted(unit), unit.node.is_cost
        count = len(unit.node.owners) if weighted else 0
        output = self.outputs.of(unit, slot)
        return Values(
            x=[self.outputs.of(source, _slot_of(source, unit, slot)) for source in inputs],
            y=NO_ARRAY if cost else output,
            w=[self.parameters.values[unit, index] for index in range(count)],
            b=self.parameters.values[unit, None] if weighted else NO_ARRAY,
            saved=self.saved[unit],
            dy=self.dy.get(unit, NO_ARRAY),
            costs=output if cost else NO_ARRAY,
            random=self.outputs.random(unit, slot) or NO_ARRAY,
            training=training,
            tables=self.parameters.tables[unit],
        )

    def _has_gradient(self, unit: Unit) -> bool:
        layer = unit.layer
        return layer.coeff != 0 if isinstance(layer, Cost) else unit in self.dy

    def _plan_input_gradients(self, unit: Unit, slot: int, values: Values) -> None:
        for index, source in enumerate(unit.inputs_of(slot)):
            if source not in self.trained_below or not unit.layer.differentiates(index):
                values.dx.append(None)
                values.adds.append(False)
                continue
            values.adds.append(source in self.dy)
            if source not in self.dy:
                self.dy[source] = self._gradient_view(unit, source, index)
            values.dx.append(self.dy[source])

    def _gradient_view(self, unit: Unit, source: Unit, index: int) -> View:
        """Where a source's first gradient goes: its own buffer, or the consumer's when in place."""
        if unit in self.outputs.in_place:
            return self.dy[unit]
        if unit.layer.joins_in_place and source.consumers == [unit]:
            start, rows = unit.layer.slices()[index]
            part = self.outputs.y[unit].rows(start, rows)
            if part.same_memory(self.outputs.y[source]) and unit.inputs.count(source) == 1:
                return self.dy[unit].rows(start, rows)
        return self._gradient_buffer(source)

    def _gradient_buffer(self, source: Unit) -> View:
        key = self.outputs.memory_key(source)
        if key not in self.gradient_buffers:
            name = f"{source.name}.gradient"
            buffer = Buffer(name, source.device, source.shape.size, "gradients")
            self.gradient_buffers[key] = self.outputs.add(buffer)
        return self.gradient_buffers[key].view()

    def _plan_parameter_gradients(self, unit: Unit, microbatch: int, values: Values) -> None:
        if not is_weighted(unit):
            return
        for index in range(len(unit.node.owners)):
            target = self.parameters.gradients[unit, index]
            values.dw.append(target)
            values.w_adds.append(self._is_added_to(target, microbatch))
        values.db = self.parameters.gradients[unit, None]
        values.b_adds = self._is_added_to(values.db, microbatch)

    def _is_added_to(self, gradient: View | None, microbatch: int) -> bool:
        """Whether a gradient holds something already; from now on it does."""
        if gradient is None:
            return False
        adds = gradient in self.written
        self.written.add(gradient)
        if not adds:
            self.begun[gradient] = microbatch
        return adds


def _slot_of(source: Unit, unit: Unit, slot: int) -> int:
    """The time slot in which a source made what a unit reads in its own time slot `slot`."""
    microbatch = unit.microbatches[slot]
    return source.microbatches.index(microbatch) if microbatch in source.microbatches else 0
