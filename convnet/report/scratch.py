"""Working memory beside the plan's buffers: what each device's largest operation asks for."""

from dataclasses import dataclass

import numpy as np

from convnet.backends.cpu.engine import operation
from convnet.network.memory import View
from convnet.network.plan import Plan


@dataclass(frozen=True)
class _Array:
    """Stands for an array where only its shape and type are asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype


def scratch_bytes(plan: Plan, real=np.float32) -> dict[int, int]:
    """Bytes of scratch memory of the CPU engine by device, at the plan's full minibatch."""
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
