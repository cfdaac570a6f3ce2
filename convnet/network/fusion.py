"""Fuse recorded steps on the same memory, whatever the engine.

The last product of a layer, its `bias.forward` and an in-place `neuron.forward` become one
`forward_fused`, so that an engine can finish the numbers while they are in registers or caches.  An
in-place `neuron.backward` and the `bias.grad` below it become one `neuron.backward_fused`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from convnet.network.memory import View
from convnet.network.record import Step
from convnet.operations import bias, conv, fc, local, neuron, sfc
from convnet.operations.declaration import Operation

FUSED: dict[str, Operation[Any]] = {
    conv.forward.name: conv.forward_fused,
    local.forward.name: local.forward_fused,
    fc.forward.name: fc.forward_fused,
    sfc.forward.name: sfc.forward_fused,
}
"""Products, and what they become with biases and a neuron."""

_WITH_BIASES = {fused.name for fused in FUSED.values()}
_OUTPUT = 2  # position of y among a product's arguments


def fuse(steps: list[Step]) -> list[Step]:
    """Return fewer steps that do the same work, each at the place of the first fused into it."""
    fused: list[Step] = []
    for step in steps:
        rule = _RULES.get(step.operation)
        if rule is None or not rule(fused, step):
            fused.append(step)
    return fused


def _fuse_biases(steps: list[Step], step: Step) -> bool:
    biases, y = step.arguments
    place = _latest(steps, step, y)
    if place is None or steps[place].operation not in FUSED:
        return False
    product = steps[place]
    target = product.arguments[_OUTPUT]
    of_rows = product.operation == local.forward.name or biases.size == target.dims[0]
    if not (of_rows and y.same_memory(target)):
        return False
    arguments = *product.arguments, biases, "ident", 0.0, 0.0
    steps[place] = replace(product, operation=FUSED[product.operation].name, arguments=arguments)
    return True


def _fuse_neuron(steps: list[Step], step: Step) -> bool:
    x, y, *function = step.arguments
    place = _latest(steps, step, y)
    if place is None or steps[place].operation not in _WITH_BIASES:
        return False
    product = steps[place]
    target, kind = product.arguments[_OUTPUT], product.arguments[-3]
    if not (kind == "ident" and x.same_memory(y) and y.same_memory(target)):
        return False
    steps[place] = replace(product, arguments=(*product.arguments[:-3], *function))
    return True


def _fuse_sums(steps: list[Step], step: Step) -> bool:
    """The steps between belong to the layer with the biases, which only reads its dy."""
    dy, db, adds = step.arguments
    place = _latest(steps, step, dy, skip=step.layer)
    if place is None or steps[place].operation != neuron.backward.name:
        return False
    derivative = steps[place]
    *arrays, kind, a, b, accumulate = derivative.arguments
    if accumulate or not all(view.same_memory(dy) for view in arrays[2:]):
        return False
    rows = [replace(view, dims=dy.dims, tail=dy.tail) for view in arrays]
    arguments = *rows, kind, a, b, db, adds
    operation = neuron.backward_fused.name
    steps[place] = replace(derivative, operation=operation, arguments=arguments)
    return True


_RULES: dict[str, Callable[[list[Step], Step], bool]] = {
    bias.forward.name: _fuse_biases,
    neuron.forward.name: _fuse_neuron,
    bias.grad.name: _fuse_sums,
}


def _latest(steps: list[Step], step: Step, view: View, skip: str | None = None) -> int | None:
    """Position of the last of `steps` on a view's buffer, None if it belongs to another pass.

    skip: a layer whose steps are left out.
    """
    for place in range(len(steps) - 1, -1, -1):
        other = steps[place]
        if other.layer != skip and any(seen.buffer is view.buffer for seen in other.views()):
            return place if _time_slot(other) == _time_slot(step) else None
    return None


def _time_slot(step: Step) -> tuple[str, int, int | None]:
    return step.phase, step.number, step.microbatch
