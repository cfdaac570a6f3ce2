"""Record the updates of parameters, and the sums of gradients over replicas before them.

Each replica owns a part of a parameter, its partition.  It receives the other replicas' gradients
of that part, adds them in the order of the replicas, updates its part, and sends the new values to
the others: reduce-scatter, update, all-gather.  The sums are the same, bit for bit, wherever they
are made.
"""

from collections.abc import Mapping

from convnet.graph.place import Unit
from convnet.layers.base import ArrayView
from convnet.network.memory import View
from convnet.network.plan import Parameter, Plan
from convnet.network.record import Recorder
from convnet.operations import elementwise, transfer, update


class Updates:
    """Records updates.  tables: of each unit, by name.

    In its methods, summed: the passes whose gradients are summed, counted over the run.  written:
    the gradients that hold something; those used up leave it.
    """

    def __init__(self, plan: Plan, tables: Mapping[Unit, Mapping[str, ArrayView]]):
        self.plan, self.tables = plan, tables

    def record(self, ops: Recorder, passed: int, written: set[View]) -> None:
        """Record the updates that are due after so many passes of the run.

        Without replicas, layer by layer in the order of the file.  With replicas the last layer
        comes first, as in the backward pass: its gradients are sent while those of the layers below
        are computed.  The updates come after the backward pass, where no layer waits for a message
        that the next one could be computed without; so do the constraints, which need the values of
        all replicas, after the other updates.
        """
        due = [p for p in self.plan.parameters if p.learns and passed % p.every == 0]
        layers: dict[Unit, list[Parameter]] = {parameter.unit: [] for parameter in due}
        for parameter in due:
            if parameter.gradient in written:
                layers[parameter.unit].append(parameter)
        replicated = any(parameter.replicas for parameter in due)
        for unit in reversed(layers) if replicated else layers:
            self._update_layer(ops, layers[unit], passed, written)
            if not unit.node.devices[1:]:
                self._constrain(ops, layers[unit], passed)
        for unit in reversed(layers):
            if unit.node.devices[1:]:
                self._constrain(ops, layers[unit], passed)
        ops.microbatch = None

    def _update_layer(
        self, ops: Recorder, parameters: list[Parameter], passed: int, written: set[View]
    ) -> None:
        for parameter in parameters:
            summed = _summed(parameter, passed)
            self.reduce(ops, parameter, summed, written)
            self._update(ops, parameter, summed)
            _forget(parameter, written)
        for parameter in parameters:
            self._send(ops, parameter, _summed(parameter, passed))

    def reduce(
        self,
        ops: Recorder,
        parameter: Parameter,
        summed: range,
        written: set[View],
        by_rate: bool = True,
    ) -> None:
        """Record the sums of a gradient over users of shared weights and over replicas.

        by_rate: users with rates of their own contribute in proportion to them.
        """
        self._add_shares(ops, parameter, summed, written, by_rate)
        contributed = [
            (unit, gradient, self._first_microbatch(unit, summed))
            for unit, _, gradient in parameter.all_replicas()
            if gradient is not None and gradient in written
        ]
        for partition in parameter.partitions:
            ops.layer, total = partition.unit.name, partition.gradient.flat()
            for unit, gradient, ops.microbatch in contributed:
                values = partition.of(gradient).flat()
                if unit is not partition.unit:
                    arrival = partition.arrivals[unit]
                    transfer.copy(ops, values, arrival)
                    values = arrival
                if not values.same_memory(total):
                    elementwise.scale(ops, values, total, 1.0, True)

    def _add_shares(
        self, ops: Recorder, parameter: Parameter, summed: range, written: set[View], by_rate: bool
    ) -> None:
        """Add the contributions of other users of the weights, each to its own replica's."""
        targets = [gradient for _, _, gradient in parameter.all_replicas()]
        for gradient, factor, user, _ in parameter.shares:
            target = targets[user.replica]
            if target is None or gradient not in written:
                continue
            ops.layer = parameter.unit.name
            ops.microbatch = self._first_microbatch(user, summed)
            if by_rate:
                update.scaled_add(ops, gradient, target, factor)
            else:
                elementwise.scale(ops, gradient.flat(), target.flat(), 1.0, True)

    def _update(self, ops: Recorder, parameter: Parameter, summed: range) -> None:
        ops.microbatch = self._first_microbatch(parameter.unit, summed)
        for partition in parameter.partitions:
            ops.layer, tables = partition.unit.name, self.tables[partition.unit]
            parameter.layer.update(ops, parameter.index, partition.update_arrays(), tables)

    def _send(self, ops: Recorder, parameter: Parameter, summed: range) -> None:
        """Send the new values of each partition to the other replicas."""
        ops.microbatch = self._first_microbatch(parameter.unit, summed)
        for partition in parameter.partitions:
            for unit, value, _ in parameter.all_replicas():
                if unit is not partition.unit:
                    ops.layer = unit.name
                    transfer.copy(ops, partition.value, partition.of(value))

    def _constrain(self, ops: Recorder, parameters: list[Parameter], passed: int) -> None:
        """Every replica constrains the whole array: a filter may belong to two partitions."""
        for parameter in parameters:
            summed = _summed(parameter, passed)
            ops.microbatch = self._first_microbatch(parameter.unit, summed)
            for unit, value, _ in parameter.all_replicas():
                if parameter.index is not None:
                    ops.layer = unit.name
                    parameter.layer.constrain(ops, parameter.index, parameter.spec, value)

    def _first_microbatch(self, unit: Unit, summed: range) -> int | None:
        """The first microbatch whose gradient a unit adds up in these passes.

        A short minibatch may leave it empty, and then all later ones: there is nothing to add.
        None where that cannot be: for the first microbatch of all, and for sums of several
        minibatches.
        """
        passes = self.plan.rounds.passes
        if summed[0] // passes != summed[-1] // passes:
            return None
        return unit.microbatches[unit.time_slot_in(summed[0] % passes)] or None


def _summed(parameter: Parameter, passed: int) -> range:
    """The passes since a parameter's update before this one."""
    return range(passed - parameter.every, passed)


def _forget(parameter: Parameter, written: set[View]) -> None:
    """The gradients that go into a parameter's update hold nothing any more."""
    used = [gradient for _, _, gradient in parameter.all_replicas()]
    written.difference_update(view for view in used if view is not None)
    written.difference_update(share.gradient for share in parameter.shares)
