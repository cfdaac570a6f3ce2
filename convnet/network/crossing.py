"""The bytes that a training step sends from one device to another, by kind of value."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from convnet.graph.build import HOST
from convnet.memory import REAL_BYTES
from convnet.network.plan import Plan
from convnet.network.record import BETWEEN_DEVICES, Step
from convnet.operations import transfer

KINDS = ("activities", "gradients", "weight gradients", "weights")
"""What is sent, named after the role of the memory that it comes from."""

Place = TypeVar("Place", bound=Hashable)
Crossing = dict[tuple[Place, Place], dict[str, int]]


def crossing_bytes(plan: Plan, place_of: Callable[[int], Place]) -> Crossing[Place]:
    """Return the bytes from place to place in a training step on a full minibatch, in float32.

    place_of: where a device is; values that stay in a place, and those from the host, do not count.
    Keys are (from, to), values bytes by kind (`KINDS`).  Where updates come less often than
    minibatches, the bytes are those of an average minibatch, rounded down.
    """
    found: Crossing[Place] = {}
    for step in _training_steps(plan):
        if step.operation not in BETWEEN_DEVICES:
            continue
        source, target = step.views()
        if source.device == HOST or target.device == HOST:
            continue
        places = place_of(source.device), place_of(target.device)
        if places[0] != places[1]:
            kinds = found.setdefault(places, dict.fromkeys(KINDS, 0))
            kinds[source.buffer.role] += bytes_sent(step, plan)
    return {
        places: {kind: size // plan.variants for kind, size in kinds.items()}
        for places, kinds in found.items()
    }


def bytes_sent(step: Step, plan: Plan) -> int:
    """Return the bytes that a copy sends on a full minibatch, in float32 or 16-bit floats."""
    view = step.views()[0]
    cases = plan.sizes(plan.minibatch)[step.microbatch or 0] if view.buffer.per_case else 1
    halved = step.operation == transfer.copy_half.name
    return view.size * cases * REAL_BYTES // (2 if halved else 1)


def _training_steps(plan: Plan) -> Iterable[Step]:
    for number in range(plan.variants):
        yield from plan.programs[f"train.{number}" if number else "train"]
