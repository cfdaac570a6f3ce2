"""Where layers write their outputs, and what they save for backward: memory, shared if possible."""

from math import prod

from convnet.graph.place import Unit
from convnet.layers.cost import Cost
from convnet.network.memory import Buffer, View
from convnet.network.plan import MicrobatchView, Plan

RANDOM_STATE = 6  # seed (2 words), stream, step (2 words), unused


class Outputs:
    """The outputs of all units: one buffer each, but for layers in place and inputs of `pass`.

    y: by unit; by_slot: by unit and time slot, where a unit has memory for each microbatch.
    in_place: units that write over their input.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.y: dict[Unit, View] = {}
        self.by_slot: dict[tuple[Unit, int], View] = {}
        self.in_place: set[Unit] = set()
        self.shared: dict[object, Buffer] = {}
        for unit in reversed(plan.units):
            if isinstance(unit.layer, Cost):
                self._plan_cost(unit, unit.layer)
            else:
                self._plan_output(unit)
            if unit.layer.uses_random:
                self._plan_random(unit)
        for unit in plan.units:
            self._register(unit)

    def add(self, buffer: Buffer) -> Buffer:
        self.plan.buffers.append(buffer)
        return buffer

    def of(self, unit: Unit, slot: int) -> View:
        """A unit's output in a time slot; of a cost, its numbers."""
        found = self.by_slot.get((unit, slot))
        return self.y[unit] if found is None else found

    # -- one unit ----------------------------------------------------------------------------------

    def _plan_output(self, unit: Unit) -> None:
        if unit not in self.y:
            self._assign(unit, self._buffer(unit).view())
        if unit.layer.joins_in_place:
            self._assign_slices(unit)
        for slot in range(1, unit.time_slots if self._outlives_its_slot(unit) else 1):
            buffer = Buffer(f"{unit.name}.{slot}", unit.device, unit.shape.size, "activities")
            self.by_slot[unit, slot] = self.add(buffer).view()

    def _outlives_its_slot(self, unit: Unit) -> bool:
        """A cost's inputs are read after the minibatch: each time slot has memory of its own."""
        return not unit.is_copy and any(consumer.node.is_cost for consumer in unit.consumers)

    def _buffer(self, unit: Unit) -> Buffer:
        key = self.memory_key(unit)
        if key not in self.shared:
            name = unit.name if key is unit else f"{unit.node.name} to device {unit.device}"
            arrives = key is unit and (unit.brings_data or unit.is_data)
            role = "inputs" if arrives else "activities"
            self.shared[key] = self.add(Buffer(name, unit.device, unit.shape.size, role))
        return self.shared[key]

    def memory_key(self, unit: Unit) -> object:
        """The key of a unit's memory: equal for copies of replicas that share one buffer.

        They do if the same consumers read them, each in another time slot.
        """
        one_at_a_time = unit.is_copy and all(
            len(units) > 1
            for consumer in unit.consumers
            for units in consumer.sources
            if unit in units
        )
        return (unit.node, unit.device, tuple(unit.consumers)) if one_at_a_time else unit

    def _assign(self, unit: Unit, view: View) -> None:
        self.y[unit] = view
        if self._may_overwrite_input(unit):
            self.in_place.add(unit)
            self._assign(unit.inputs[0], view)

    def _may_overwrite_input(self, unit: Unit) -> bool:
        if not unit.layer.may_work_in_place() or len(unit.sources[0]) > 1:
            return False
        if unit.time_slots > 1 and self._outlives_its_slot(unit):
            return False
        source = unit.inputs[0]
        if source.brings_data:
            return False  # a loaded minibatch is there for any number of runs
        if unit.node.declared_in is None and not source.is_copy:
            return False  # a layer with a name of its own: its values can be asked for
        alone = source.consumers == [unit] and source not in self.y and not source.is_data
        return alone and not source.layer.backward_reads_output()

    def _assign_slices(self, unit: Unit) -> None:
        if unit.time_slots > 1 and self._outlives_its_slot(unit):
            return
        for units, (start, rows) in zip(unit.sources, unit.layer.slices(), strict=True):
            for source in units:
                free = source not in self.y and source.device == unit.device
                if free and (source.is_copy or len(units) == 1):
                    self._assign(source, self.y[unit].rows(start, rows))

    def _plan_cost(self, unit: Unit, layer: Cost) -> None:
        count = len(layer.numbers())
        name = unit.node.name
        found = self.plan.microbatch_costs.setdefault(name, [])
        for slot, microbatch in enumerate(unit.microbatches):
            label = f"{unit.name}.costs" + (f".{slot}" if slot else "")
            buffer = Buffer(label, unit.device, count, "costs", per_case=False, dtype="float64")
            self.by_slot[unit, slot] = self.add(buffer).view()
            found.append(MicrobatchView(self.by_slot[unit, slot], microbatch))
        self.plan.costs.setdefault(name, found[0].view)

    def _plan_random(self, unit: Unit) -> None:
        for slot in range(unit.time_slots):
            name = f"{unit.name}.random" + (f".{slot}" if slot else "")
            buffer = Buffer(name, unit.device, RANDOM_STATE, "controls", False, "uint32")
            self.plan.random[_stream(unit, slot)] = self.add(buffer).view()

    def are_loaded(self, unit: Unit) -> bool:
        """Whether a unit brings a minibatch to memory that nothing else writes to."""
        return unit.brings_data and self.y[unit].buffer.role == "inputs"

    def random(self, unit: Unit, slot: int) -> View | None:
        return self.plan.random.get(_stream(unit, slot))

    def _register(self, unit: Unit) -> None:
        """Put a unit's output where the plan's users look for it."""
        if unit.node.is_cost:
            return
        self.plan.outputs[unit.name] = self.y[unit]
        if unit.is_copy:
            return
        found = self.plan.microbatch_outputs.setdefault(unit.node.name, [])
        for slot, microbatch in enumerate(unit.microbatches):
            if slot == 0 or (unit, slot) in self.by_slot:
                found.append(MicrobatchView(self.of(unit, slot), microbatch))


def _stream(unit: Unit, slot: int) -> str:
    """The name of a unit's random numbers: another one in each time slot."""
    return unit.name + (f".{slot}" if slot else "")


class SavedViews(dict[str, View]):
    """What a unit saves for backward, by name, planned when its layer first asks for it."""

    def __init__(self, outputs: Outputs, unit: Unit):
        super().__init__()
        self._outputs, self._unit = outputs, unit

    def __missing__(self, name: str) -> View:
        unit = self._unit
        saved = unit.layer.saved_for_backward()[name]
        device = unit.inputs[0].device if saved.at_input else unit.device
        buffer = Buffer(f"{unit.name}.{name}", device, prod(saved.shape), "kept", dtype=saved.dtype)
        self[name] = self._outputs.add(buffer).view(*saved.shape)
        return self[name]
