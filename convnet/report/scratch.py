"""Scratch memory beside the plan's buffers: that of each device's largest operation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from convnet.backends.cpu.engine import operation
from convnet.network.memory import View
from convnet.network.plan import Plan


@dataclass(frozen=True)
class _Array:
    """A placeholder for an array of which only shape and type are needed."""

    shape: tuple[int, ...]
    dtype: np.dtype


def scratch_bytes(plan: Plan, real: DTypeLike = np.float32) -> dict[int, int]:
    """Return device -> bytes of scratch memory of the CPU engine, for a full minibatch.

    real: the type of activities and weights.
    """
    needs: dict[int, int] = {}
    for step in {id(step): step for program in plan.programs.values() for step in program}.values():
        size = operation(step.operation).scratch_size
        if size is not None:
            arguments = [_stand_in(a, plan.capacity, real) for a in step.arguments]
            needs[step.device] = max(needs.get(step.device, 0), int(size(*arguments)))
    return needs


def _stand_in(argument, cases, real):
    if not isinstance(argument, View):
        return argument
    dtype = real if argument.buffer.dtype == "real" else argument.buffer.dtype
    return _Array(argument.shape(cases), np.dtype(dtype))
