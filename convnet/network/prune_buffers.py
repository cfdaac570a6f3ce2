"""Remove arrays that an engine does not use from a plan, before memory is allocated."""

from collections.abc import Callable
from dataclasses import replace

from convnet.network.memory import Buffer
from convnet.network.plan import Plan
from convnet.network.record import Step


def leave_out(plan: Plan, unused: Callable[[Step], set[int]]) -> None:
    """Put None in the place of arguments that an engine never touches, and forget their buffers.

    unused(step): the arguments' positions.  A buffer that any step does touch stays.
    """
    before = _buffers(plan)
    for name, steps in plan.programs.items():
        plan.programs[name] = [_without(step, unused(step)) for step in steps]
    gone = before - _buffers(plan)
    plan.buffers = [buffer for buffer in plan.buffers if buffer not in gone]


def _buffers(plan: Plan) -> set[Buffer]:
    return {v.buffer for steps in plan.programs.values() for step in steps for v in step.views()}


def _without(step: Step, positions: set[int]) -> Step:
    if not positions:
        return step
    used = (None if n in positions else a for n, a in enumerate(step.arguments))
    return replace(step, arguments=tuple(used))
