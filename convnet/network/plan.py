"""The plan of a network: every buffer and every step, before the first byte is allocated.

Three programs over the same memory: `train` (forward, backward, update), `gradients` (forward as in
a test, backward) and `test` (forward).
"""

from dataclasses import dataclass, field

from convnet.graph.build import Graph
from convnet.graph.place import Unit, place
from convnet.layers.base import Table, Values
from convnet.layers.weighted import WeightLayer
from convnet.network.memory import Buffer, View
from convnet.network.record import Recorder, Step

RANDOM_STATE = 6  # seed (2 words), stream, step (2 words), unused


@dataclass(eq=False)
class Parameter:
    """A trained array: `weights` of an input, or `biases` (index None).

    hyper: [momentum, rate / cases, rate * decay], set before each step.
    moments: running means of the gradient that the update keeps, by name.
    shares: (gradient, factor, unit, index) of users of shared weights with rates of their own.
    """

    unit: Unit
    index: int | None
    value: View
    gradient: View | None = None
    velocity: View | None = None
    hyper: View | None = None
    moments: dict[str, View] = field(default_factory=dict)
    shares: list = field(default_factory=list)

    @property
    def name(self) -> str:
        kind = "biases" if self.index is None else f"weights.{self.index}"
        return f"{self.unit.name}.{kind}"

    @property
    def spec(self):
        layer = self.unit.layer
        return layer.biases() if self.index is None else layer.weights()[self.index]

    @property
    def learns(self) -> bool:
        return self.gradient is not None


@dataclass(eq=False)
class PlannedTable:
    """Whole numbers of a layer: what they are, and where they stand."""

    name: str
    spec: Table
    value: View


@dataclass(eq=False)
class Plan:
    """Buffers, steps and where to find things.  minibatch: the largest number of cases."""

    graph: Graph
    units: list[Unit]
    minibatch: int
    buffers: list[Buffer] = field(default_factory=list)
    programs: dict[str, list[Step]] = field(default_factory=dict)
    outputs: dict[str, View] = field(default_factory=dict)
    output_gradients: dict[str, View] = field(default_factory=dict)
    parameters: list[Parameter] = field(default_factory=list)
    costs: dict[str, View] = field(default_factory=dict)
    random: dict[str, View] = field(default_factory=dict)
    tables: list[PlannedTable] = field(default_factory=list)

    def unit(self, name: str) -> Unit:
        return next(unit for unit in self.units if unit.name == name)

    def bytes(self, real_bytes: int = 4) -> dict[int, dict[str, int]]:
        """Bytes by device and role, at the full minibatch."""
        table: dict[int, dict[str, int]] = {}
        for buffer in self.buffers:
            roles = table.setdefault(buffer.device, {})
            size = buffer.bytes(self.minibatch, real_bytes)
            roles[buffer.role] = roles.get(buffer.role, 0) + size
        return table


def make_plan(
    graph: Graph, minibatch: int, *, train_all: bool = False, input_gradients: bool = False
) -> Plan:
    """Plan a graph.

    train_all: gradients of all parameters, also of those with rate 0.  input_gradients: gradients
    with respect to the data too, in the devices' copies of the data layers.
    """
    planner = _Planner(Plan(graph, place(graph), minibatch), train_all, input_gradients)
    planner.plan_outputs()
    planner.plan_parameters()
    planner.plan_tables()
    forward_training = planner.forward(training=True)
    forward = planner.forward(training=False)
    plan = planner.plan
    backward_training = planner.backward(training=True)
    plan.programs["train"] = forward_training + backward_training + planner.update()
    plan.programs["gradients"] = forward + planner.backward(training=False)
    plan.programs["test"] = forward
    return plan


class _LazyKept(dict):
    """Kept memory by name, planned when a layer first asks for it."""

    def __init__(self, planner, unit):
        super().__init__()
        self._planner, self._unit = planner, unit

    def __missing__(self, name):
        kept = self._unit.layer.keeps()[name]
        device = self._unit.inputs[0].device if kept.at_input else self._unit.device
        rows = 1
        for size in kept.shape:
            rows *= size
        buffer = Buffer(f"{self._unit.name}.{name}", device, rows, "kept", dtype=kept.dtype)
        self[name] = self._planner.add(buffer).view(*kept.shape)
        return self[name]


class _Planner:
    def __init__(self, plan: Plan, train_all: bool, input_gradients: bool):
        self.plan, self.train_all, self.input_gradients = plan, train_all, input_gradients
        self.kept = {unit: _LazyKept(self, unit) for unit in plan.units}
        self.y: dict[Unit, View] = {}
        self.dy: dict[Unit, View] = {}
        self.by_node = {unit.node: unit for unit in plan.units if not unit.is_copy}
        self.parameter: dict[tuple[Unit, int | None], Parameter] = {}
        self.tables: dict[Unit, dict[str, View]] = {unit: {} for unit in plan.units}
        self.in_place: set[Unit] = set()
        self.gradient_buffers: dict[Unit, Buffer] = {}
        self.trained_below = self._trained_below()

    def add(self, buffer: Buffer) -> Buffer:
        self.plan.buffers.append(buffer)
        return buffer

    # -- activities ----------------------------------------------------------------------------

    def plan_outputs(self):
        """One buffer an output, but for layers in place and the inputs of `pass` layers."""
        for unit in reversed(self.plan.units):
            if unit.node.is_cost:
                self._plan_cost(unit)
                continue
            if unit not in self.y:
                buffer = Buffer(unit.name, unit.device, unit.shape.size, "activities")
                self._give(unit, self.add(buffer).view())
            if getattr(unit.layer, "joins_in_place", False):
                self._give_slices(unit)
            if unit.layer.uses_random:
                self._plan_random(unit)
        for unit, view in self.y.items():
            self.plan.outputs[unit.name] = view

    def _give(self, unit, view):
        self.y[unit] = view
        if self._may_overwrite_input(unit):
            self.in_place.add(unit)
            self._give(unit.inputs[0], view)

    def _may_overwrite_input(self, unit):
        if not unit.layer.may_work_in_place():
            return False
        source = unit.inputs[0]
        if unit.node.folded_into is None and not source.is_copy:
            return False  # a layer with a name of its own: its values can be asked for
        alone = source.readers == [unit] and source not in self.y and not source.is_data
        return alone and not source.layer.backward_reads_output()

    def _give_slices(self, unit):
        for source, (start, rows) in zip(unit.inputs, unit.layer.slices(), strict=True):
            if source not in self.y and source.device == unit.device:
                self._give(source, self.y[unit].rows(start, rows))

    def _plan_cost(self, unit):
        count = len(unit.layer.numbers())
        name = f"{unit.name}.costs"
        buffer = Buffer(name, unit.device, count, "state", per_case=False, dtype="float64")
        self.plan.costs[unit.name] = self.add(buffer).view()

    def _plan_random(self, unit):
        name = f"{unit.name}.random"
        buffer = Buffer(name, unit.device, RANDOM_STATE, "state", per_case=False, dtype="uint32")
        self.plan.random[unit.name] = self.add(buffer).view()

    # -- parameters ----------------------------------------------------------------------------

    def plan_parameters(self):
        for unit in self.plan.units:
            if not isinstance(unit.layer, WeightLayer):
                continue
            for index, weight in enumerate(unit.layer.weights()):
                if unit.node.owns(index):
                    self._plan_parameter(unit, index, weight)
                else:
                    self._share_parameter(unit, index)
            self._plan_parameter(unit, None, unit.layer.biases())

    def _plan_parameter(self, unit, index, spec):
        parameter = Parameter(unit, index, None)
        new = self._fixed_buffer(unit, spec)
        parameter.value = new(parameter.name, "weights")
        if self._learns(unit, index):
            parameter.gradient = new(parameter.name + ".gradient", "weight gradients")
            parameter.velocity = new(parameter.name + ".velocity", "velocity")
            moments = unit.layer.moments(index)
            for moment in moments:
                parameter.moments[moment] = new(f"{parameter.name}.{moment}", "velocity")
            parameter.hyper = self._hyper(unit, parameter.name + ".rates", 4 if moments else 3)
        self.parameter[unit, index] = parameter
        self.plan.parameters.append(parameter)

    def _fixed_buffer(self, unit, spec):
        def new(name, role):
            buffer = Buffer(name, unit.device, spec.size, role, per_case=False)
            return self.add(buffer).view(*spec.shape)

        return new

    def _hyper(self, unit, name, count):
        buffer = Buffer(name, unit.device, count, "state", per_case=False, dtype="float64")
        return self.add(buffer).view()

    def _share_parameter(self, unit, index):
        owner, at = unit.node.owners[index]
        parameter = self.parameter[self.by_node[owner], at]
        self.parameter[unit, index] = parameter
        if (
            parameter.learns
            and self._learns(unit, index)
            and self._own_rate(unit, index, parameter)
        ):
            new = self._fixed_buffer(unit, parameter.spec)
            name = f"{unit.name}.weights.{index}"
            gradient = new(name + ".gradient", "weight gradients")
            factor = self._hyper(unit, name + ".share", 1)
            parameter.shares.append((gradient, factor, unit, index))

    def _own_rate(self, unit, index, parameter):
        """Whether a user's contribution is scaled by its own rate (dialect, 5.2)."""
        mine = unit.layer.rates_w[index]
        owners = parameter.unit.layer.rates_w[parameter.index]
        by_user = self.plan.graph.dialect.users_scale_shared_gradients
        separate = unit.layer.type_name == "conv" or parameter.moments
        return mine != owners and (by_user or not separate)

    def plan_tables(self):
        for unit in self.plan.units:
            for name, table in unit.layer.tables().items():
                owner, at = unit, table.input
                if at is not None and not unit.node.owns(at):
                    node, at = unit.node.owners[at]
                    owner = self.by_node[node]
                    theirs = f"{name.rpartition('.')[0]}.{at}"
                    self.tables[unit][name] = self.tables[owner][theirs]
                else:
                    self.tables[unit][name] = self._plan_table(unit, name, table)

    def _plan_table(self, unit, name, table):
        name = f"{unit.name}.{name}"
        buffer = Buffer(name, unit.device, table.size, "state", per_case=False, dtype="int32")
        view = self.add(buffer).view()
        self.plan.tables.append(PlannedTable(name, table, view))
        return view

    def _learns(self, unit, index):
        layer = unit.layer
        if self.train_all:
            return True
        return layer.biases_learn() if index is None else layer.weights_learn(index)

    def _trained_below(self):
        """Units at or below which something is trained: gradients are sent down to these."""
        found = set()
        for unit in self.plan.units:
            trains = isinstance(unit.layer, WeightLayer) and (self.train_all or unit.layer.learns())
            wanted = self.input_gradients and unit.is_copy and unit.node.is_data
            if trains or wanted or any(source in found for source in unit.inputs):
                found.add(unit)
        return found

    # -- programs ------------------------------------------------------------------------------

    def forward(self, training: bool) -> list[Step]:
        ops = Recorder()
        ops.phase = "forward"
        for unit in self.plan.units:
            if not unit.is_data:
                ops.layer = unit.name
                unit.layer.forward(ops, self._values(unit, training))
        return ops.steps

    def backward(self, training: bool) -> list[Step]:
        ops = Recorder()
        ops.phase = "backward"
        self.dy, self.written = {}, set()
        for unit in reversed(self.plan.units):
            if unit not in self.trained_below or unit.is_data or not self._has_gradient(unit):
                continue
            ops.layer = unit.name
            values = self._values(unit, training)
            self._plan_input_gradients(unit, values)
            self._plan_parameter_gradients(unit, values)
            unit.layer.backward(ops, values)
        self.plan.output_gradients = {unit.name: view for unit, view in self.dy.items()}
        return ops.steps

    def _values(self, unit, training):
        weighted = isinstance(unit.layer, WeightLayer)  # not so the copy of a weighted layer
        count = len(unit.node.owners) if weighted else 0
        parameters = [self.parameter[unit, i] for i in range(count)]
        return Values(
            x=[self.y[source] for source in unit.inputs],
            y=self.y.get(unit),
            w=[parameter.value for parameter in parameters],
            b=self.parameter[unit, None].value if weighted else None,
            kept=self.kept[unit],
            dy=self.dy.get(unit),
            costs=self.plan.costs.get(unit.name),
            random=self.plan.random.get(unit.name),
            training=training,
            tables=self.tables[unit],
        )

    def _has_gradient(self, unit):
        return unit.layer.coeff != 0 if unit.node.is_cost else unit in self.dy

    def _plan_input_gradients(self, unit, values):
        for slot, source in enumerate(unit.inputs):
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
        if unit in self.in_place:
            return self.dy[unit]
        if getattr(unit.layer, "joins_in_place", False) and source.readers == [unit]:
            start, rows = unit.layer.slices()[slot]
            part = self.y[unit].rows(start, rows)
            if part.same_memory(self.y[source]) and unit.inputs.count(source) == 1:
                return self.dy[unit].rows(start, rows)
        return self._gradient_buffer(source)

    def _gradient_buffer(self, source):
        if source not in self.gradient_buffers:
            name = f"{source.name}.gradient"
            buffer = self.add(Buffer(name, source.device, source.shape.size, "gradients"))
            self.gradient_buffers[source] = buffer
        return self.gradient_buffers[source].view()

    def _plan_parameter_gradients(self, unit, values):
        if not isinstance(unit.layer, WeightLayer):
            return
        for index in range(len(unit.node.owners)):
            parameter = self.parameter[unit, index]
            own = next((s[0] for s in parameter.shares if s[2:] == (unit, index)), None)
            target = own or parameter.gradient
            if not self._learns(unit, index):
                target = None  # a user with rate 0 contributes nothing
            values.dw.append(target)
            values.w_adds.append(target in self.written)
            self.written.add(target)
        values.db = self.parameter[unit, None].gradient
        self.written.add(values.db)

    def update(self) -> list[Step]:
        """The update of every trained array, layer by layer, then the layer's constraints."""
        ops = Recorder()
        ops.phase = "update"
        for unit in self.plan.units:
            mine = [p for p in self.plan.parameters if p.unit is unit]
            mine = [p for p in mine if p.learns and p.gradient in self.written]
            ops.layer = unit.name
            for parameter in mine:
                for gradient, factor, _, _ in parameter.shares:
                    if gradient not in self.written:
                        continue
                    ops.update.scaled_add(gradient, parameter.gradient, factor)
                unit.layer.update(ops, parameter.index, parameter, self.tables[unit])
            for parameter in mine:
                if parameter.index is not None:
                    where = parameter.index, parameter.spec, parameter.value
                    unit.layer.constrain(ops, *where)
        return ops.steps
