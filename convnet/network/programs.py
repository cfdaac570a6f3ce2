"""Recording the programs: the layers' calls in order, pass by pass, and updates between them."""

from convnet.graph.place import Unit
from convnet.layers.base import Values
from convnet.network.fusion import fuse
from convnet.network.memory import Buffer, View
from convnet.network.outputs import Kept, Outputs
from convnet.network.parameters import Parameters, is_weighted
from convnet.network.plan import Plan
from convnet.network.record import Recorder, Step


def record_programs(plan: Plan, train_all: bool, input_gradients: bool, update_every: int):
    """Plan all memory of a plan and record its programs."""
    programs = _Programs(plan, train_all, input_gradients, update_every)
    plan.variants = programs.parameters.variants()
    plan.programs["load"] = programs.load()
    for number, steps in enumerate(programs.train(plan.variants)):
        plan.programs["train" if number == 0 else f"train.{number}"] = fuse(steps)
    plan.programs["gradients"] = fuse(programs.gradients())
    plan.programs["test"] = fuse(programs.test())


class _Programs:
    """Records with what is known at each point.

    dy: gradients of outputs that wait for their unit's turn.  written: gradients of parameters that
    hold something.
    """

    def __init__(self, plan, train_all, input_gradients, update_every):
        self.plan, self.input_gradients = plan, input_gradients
        self.outputs = Outputs(plan)
        self.parameters = Parameters(plan, train_all, update_every)
        self.kept = {unit: Kept(self.outputs, unit) for unit in plan.units}
        self.gradient_buffers: dict[object, Buffer] = {}
        self.trained_below = self._trained_below()
        self.dy: dict[Unit, View] = {}
        self.written: set[View] = set()

    def _trained_below(self):
        """Units at or below which something is trained: gradients are sent down to these."""
        found = set()
        for unit in self.plan.units:
            wanted = self.input_gradients and unit.is_copy and unit.node.is_data
            below = any(source in found for units in unit.sources for source in units)
            if wanted or below or self.parameters.any_learns(unit):
                found.add(unit)
        return found

    # -- programs ----------------------------------------------------------------------------------

    def load(self) -> list[Step]:
        """Copies from the host, but for those to memory that several take turns in."""
        ops = Recorder()
        ops.phase = "load"
        for unit in filter(self.outputs.are_loaded, self.plan.units):
            ops.layer, ops.microbatch = unit.name, unit.microbatches[0]
            unit.layer.forward(ops, self._values(unit, 0, training=False))
        return ops.steps

    def train(self, variants: int) -> list[list[Step]]:
        """One list of steps for each of the minibatches after which updates repeat."""
        self.dy, self.written = {}, set()
        found, passed = [], 0
        for _ in range(variants):
            ops = Recorder()
            for number in range(self.plan.rounds.passes):
                self._forward(ops, number, training=True)
                self._backward(ops, number, training=True)
                passed += 1
                ops.phase = "update"
                self.parameters.update(ops, passed, self.written)
            found.append(ops.steps)
        return found

    def gradients(self) -> list[Step]:
        self.dy, self.written = {}, set()
        ops = Recorder()
        for number in range(self.plan.rounds.passes):
            self._forward(ops, number, training=False)
            self._backward(ops, number, training=False)
        ops.phase = "update"
        for parameter in self.plan.parameters:
            if parameter.gradient in self.written:
                ops.layer = parameter.unit.name
                self.parameters.gather(ops, parameter, self.written, by_rate=False)
        return ops.steps

    def test(self) -> list[Step]:
        ops = Recorder()
        for number in range(self.plan.rounds.passes):
            self._forward(ops, number, training=False)
        return ops.steps

    def _forward(self, ops, number, training):
        ops.phase, ops.number = "forward", number
        for unit in self.plan.units:
            loaded = unit.is_data or self.outputs.are_loaded(unit)
            if loaded or not self._acts(unit, number):
                continue
            turn = unit.time_slot_in(number)
            ops.layer, ops.microbatch = unit.name, unit.microbatches[turn]
            unit.layer.forward(ops, self._values(unit, turn, training))

    def _acts(self, unit, number):
        """Units act every period; a copy is made in the pass in which a reader takes it."""
        if not unit.is_copy:
            return number % unit.period == 0
        return any(
            number % reader.period == 0 and unit in reader.inputs_of(reader.time_slot_in(number))
            for reader in unit.consumers
        )

    def _backward(self, ops, number, training):
        ops.phase, ops.number = "backward", number
        for unit in reversed(self.plan.units):
            if unit not in self.trained_below or unit.is_data or not self._has_gradient(unit):
                continue
            if not unit.is_copy and (number + 1) % unit.period:
                continue
            turn = unit.time_slot_in(number)
            ops.layer, ops.microbatch = unit.name, unit.microbatches[turn]
            values = self._values(unit, turn, training)
            self._plan_input_gradients(unit, turn, values)
            self._plan_parameter_gradients(unit, values)
            unit.layer.backward(ops, values)
            self._finish(unit)

    def _finish(self, unit):
        view = self.dy.pop(unit, None)
        if view is not None:
            self.plan.output_gradients[unit.name] = view

    # -- one unit's arrays -------------------------------------------------------------------------

    def _values(self, unit, turn, training):
        inputs = unit.inputs_of(turn)
        weighted = is_weighted(unit)
        count = len(unit.node.owners) if weighted else 0
        cost = unit.node.is_cost
        return Values(
            x=[self.outputs.of(source, self._turn_of(source, unit, turn)) for source in inputs],
            y=None if cost else self.outputs.of(unit, turn),
            w=[self.parameters.values[unit, index] for index in range(count)],
            b=self.parameters.values[unit, None] if weighted else None,
            kept=self.kept[unit],
            dy=self.dy.get(unit),
            costs=self.outputs.of(unit, turn) if cost else None,
            random=self.outputs.random(unit, turn),
            training=training,
            tables=self.parameters.tables[unit],
        )

    def _turn_of(self, source, unit, turn):
        """The turn of a source in which it made what a unit reads in its own turn."""
        microbatch = unit.microbatches[turn]
        return source.microbatches.index(microbatch) if microbatch in source.microbatches else 0

    def _has_gradient(self, unit):
        return unit.layer.coeff != 0 if unit.node.is_cost else unit in self.dy

    def _plan_input_gradients(self, unit, turn, values):
        for slot, source in enumerate(unit.inputs_of(turn)):
            if source not in self.trained_below or not unit.layer.differentiates(slot):
                values.dx.append(None)
                values.adds.append(False)
                continue
            values.adds.append(source in self.dy)
            if source not in self.dy:
                self.dy[source] = self._gradient_view(unit, source, slot)
            values.dx.append(self.dy[source])

    def _gradient_view(self, unit, source, slot):
        """Where a source's first gradient goes: its own buffer, or the reader's when in place."""
        if unit in self.outputs.in_place:
            return self.dy[unit]
        if unit.layer.joins_in_place and source.consumers == [unit]:
            start, rows = unit.layer.slices()[slot]
            part = self.outputs.y[unit].rows(start, rows)
            if part.same_memory(self.outputs.y[source]) and unit.inputs.count(source) == 1:
                return self.dy[unit].rows(start, rows)
        return self._gradient_buffer(source)

    def _gradient_buffer(self, source):
        key = self.outputs.turn_key(source)
        if key not in self.gradient_buffers:
            name = f"{source.name}.gradient"
            buffer = Buffer(name, source.device, source.shape.size, "gradients")
            self.gradient_buffers[key] = self.outputs.add(buffer)
        return self.gradient_buffers[key].view()

    def _plan_parameter_gradients(self, unit, values):
        if not is_weighted(unit):
            return
        for index in range(len(unit.node.owners)):
            target = self.parameters.gradients[unit, index]
            values.dw.append(target)
            values.w_adds.append(self._is_added_to(target))
        values.db = self.parameters.gradients[unit, None]
        values.b_adds = self._is_added_to(values.db)

    def _is_added_to(self, gradient):
        """Whether a gradient holds something already; from now on it does."""
        adds = gradient in self.written
        if gradient is not None:
            self.written.add(gradient)
        return adds
