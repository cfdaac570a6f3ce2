"""Where layers write their outputs, and what they keep: memory planned, shared where it can be."""

from math import prod

from convnet.graph.place import Unit
from convnet.network.memory import Buffer, View
from convnet.network.plan import Plan, Slot

RANDOM_STATE = 6  # seed (2 words), stream, step (2 words), unused


class Outputs:
    """The outputs of all units: one buffer each, but for layers in place and inputs of `pass`."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.y: dict[Unit, View] = {}
        self.by_turn: dict[tuple[Unit, int], View] = {}
        self.in_place: set[Unit] = set()
        self.shared: dict[object, Buffer] = {}
        for unit in reversed(plan.units):
            if unit.node.is_cost:
                self._plan_cost(unit)
            else:
                self._plan_output(unit)
            if unit.layer.uses_random:
                self._plan_random(unit)
        for unit in plan.units:
            self._tell(unit)

    def add(self, buffer: Buffer) -> Buffer:
        self.plan.buffers.append(buffer)
        return buffer

    def of(self, unit: Unit, turn: int) -> View | None:
        """A unit's output in a turn."""
        return self.by_turn.get((unit, turn), self.y.get(unit))

    # -- one unit ----------------------------------------------------------------------------------

    def _plan_output(self, unit):
        if unit not in self.y:
            self._give(unit, self._buffer(unit).view())
        if unit.layer.joins_in_place:
            self._give_slices(unit)
        for turn in range(1, unit.time_slots if self._is_kept_apart(unit) else 1):
            buffer = Buffer(f"{unit.name}.{turn}", unit.device, unit.shape.size, "activities")
            self.by_turn[unit, turn] = self.add(buffer).view()

    def _is_kept_apart(self, unit):
        """A cost's inputs are asked for after the minibatch: each turn has memory of its own."""
        return not unit.is_copy and any(reader.node.is_cost for reader in unit.consumers)

    def _buffer(self, unit):
        key = self.turn_key(unit)
        if key not in self.shared:
            name = unit.name if key is unit else f"{unit.node.name} to device {unit.device}"
            arrives = key is unit and (unit.brings_data or unit.is_data)
            role = "inputs" if arrives else "activities"
            self.shared[key] = self.add(Buffer(name, unit.device, unit.shape.size, role))
        return self.shared[key]

    def turn_key(self, unit: Unit):
        """What a unit's memory is known by: copies of replicas that the same readers take in turn
        share theirs."""
        taken_in_turn = unit.is_copy and all(
            len(units) > 1 for reader in unit.consumers for units in reader.sources if unit in units
        )
        return (unit.node, unit.device, tuple(unit.consumers)) if taken_in_turn else unit

    def _give(self, unit, view):
        self.y[unit] = view
        if self._may_overwrite_input(unit):
            self.in_place.add(unit)
            self._give(unit.inputs[0], view)

    def _may_overwrite_input(self, unit):
        if not unit.layer.may_work_in_place() or len(unit.sources[0]) > 1:
            return False
        if unit.time_slots > 1 and self._is_kept_apart(unit):
            return False
        source = unit.inputs[0]
        if source.brings_data:
            return False  # a loaded minibatch is there for any number of runs
        if unit.node.declared_in is None and not source.is_copy:
            return False  # a layer with a name of its own: its values can be asked for
        alone = source.consumers == [unit] and source not in self.y and not source.is_data
        return alone and not source.layer.backward_reads_output()

    def _give_slices(self, unit):
        if unit.time_slots > 1 and self._is_kept_apart(unit):
            return
        for units, (start, rows) in zip(unit.sources, unit.layer.slices(), strict=True):
            for source in units:
                free = source not in self.y and source.device == unit.device
                if free and (source.is_copy or len(units) == 1):
                    self._give(source, self.y[unit].rows(start, rows))

    def _plan_cost(self, unit):
        count = len(unit.layer.numbers())
        name = unit.node.name
        slots = self.plan.cost_slots.setdefault(name, [])
        for turn, microbatch in enumerate(unit.microbatches):
            label = f"{unit.name}.costs" + (f".{turn}" if turn else "")
            buffer = Buffer(label, unit.device, count, "costs", per_case=False, dtype="float64")
            self.by_turn[unit, turn] = self.add(buffer).view()
            slots.append(Slot(self.by_turn[unit, turn], microbatch))
        self.plan.costs.setdefault(name, slots[0].view)

    def _plan_random(self, unit):
        for turn in range(unit.time_slots):
            name = f"{unit.name}.random" + (f".{turn}" if turn else "")
            buffer = Buffer(name, unit.device, RANDOM_STATE, "controls", False, "uint32")
            self.plan.random[_stream(unit, turn)] = self.add(buffer).view()

    def are_loaded(self, unit: Unit) -> bool:
        """Whether a unit brings a minibatch to memory that nothing else writes to."""
        return unit.brings_data and self.y[unit].buffer.role == "inputs"

    def random(self, unit: Unit, turn: int) -> View | None:
        return self.plan.random.get(_stream(unit, turn))

    def _tell(self, unit):
        if unit.node.is_cost:
            return
        self.plan.outputs[unit.name] = self.y[unit]
        if unit.is_copy:
            return
        slots = self.plan.slots.setdefault(unit.node.name, [])
        for turn, microbatch in enumerate(unit.microbatches):
            if turn == 0 or (unit, turn) in self.by_turn:
                slots.append(Slot(self.of(unit, turn), microbatch))


def _stream(unit, turn):
    """The name of a unit's random numbers: another one in each turn."""
    return unit.name + (f".{turn}" if turn else "")


class Kept(dict):
    """Memory that a unit keeps, by name, planned when its layer first asks for it."""

    def __init__(self, outputs: Outputs, unit: Unit):
        super().__init__()
        self._outputs, self._unit = outputs, unit

    def __missing__(self, name):
        unit = self._unit
        kept = unit.layer.keeps()[name]
        device = unit.inputs[0].device if kept.at_input else unit.device
        buffer = Buffer(f"{unit.name}.{name}", device, prod(kept.shape), "kept", dtype=kept.dtype)
        self[name] = self._outputs.add(buffer).view(*kept.shape)
        return self[name]
