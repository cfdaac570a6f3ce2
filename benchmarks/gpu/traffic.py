"""The least that a step of a program has to compute and to move."""

from math import prod

import numpy as np

from benchmarks.kernel_traffic import untouched
from convnet.backends.cuda.engine import operation, written
from convnet.network.memory import FIXED, View
from convnet.network.record import Step

PRODUCTS = ("conv", "fc")
READ_BEFORE_WRITTEN = {"bias.forward": "y", "update.sgd": "w v"}
IN_FLOORS = (*PRODUCTS, "pool", "cmrnorm", "update")  # the rest could be part of these


def module_of(step: Step) -> str:
    return step.operation.partition(".")[0]


def is_product(step: Step) -> bool:
    return module_of(step) in PRODUCTS


def flops(step: Step, cases: int) -> int:
    """Return the operations of a product, two for each multiply-add; 0 for other steps."""
    if not is_product(step):
        return 0
    weights = max((v for v in step.views() if v.tail == FIXED), key=lambda v: len(v.dims))
    return 2 * weights.size * cases * _modules(step, weights)


def _modules(step, weights) -> int:
    """How often each weight is used in a case."""
    if len(weights.dims) != 4:
        return 1
    outputs = [v for v in step.views() if v.tail != FIXED and v.dims[0] == weights.dims[3]]
    return prod(outputs[0].dims[1:])


def names_of(step: Step) -> list[str]:
    return list(operation(step.operation).operation.parameters)


def adds(step: Step) -> bool:
    """Whether the step accumulates into its result."""
    names = names_of(step)
    return "accumulate" in names and bool(step.arguments[names.index("accumulate")])


def operands(step: Step) -> list[tuple[View, bool, bool]]:
    """Return (argument, whether it may be read, whether it may be written) of all views."""
    names, changed = names_of(step), written(step)
    both = READ_BEFORE_WRITTEN.get(step.operation, "").split()
    if "db_adds" in names and step.arguments[names.index("db_adds")]:
        both.append("db")
    found = []
    for place, argument in enumerate(step.arguments):
        if isinstance(argument, View):
            writes = place in changed
            reads = not writes or adds(step) or names[place] in both
            found.append((argument, reads, writes))
    return found


def touched(step: Step) -> list[tuple[View, bool, bool]]:
    """Return the operands that the step's kernels read or write at all."""
    names = names_of(step)
    left_alone = untouched(step.operation, dict(zip(names, step.arguments, strict=False)))
    kept = [
        names[place] not in left_alone
        for place, argument in enumerate(step.arguments)
        if isinstance(argument, View)
    ]
    return [operand for operand, keep in zip(operands(step), kept, strict=True) if keep]


def size_of(view: View, cases: int, value: int = 4) -> int:
    """Return the bytes of a view, where a real number takes `value`."""
    item = value if view.buffer.dtype == "real" else np.dtype(view.buffer.dtype).itemsize
    return prod(view.shape(cases)) * item


def bytes_moved(step: Step, cases: int, value: int = 4) -> int:
    """Return the bytes if each argument is read once and each result written once."""
    return sum(size_of(view, cases, value) * (r + w) for view, r, w in touched(step))


def floor_seconds(step: Step, cases: int, precision: str, peaks: dict) -> float:
    """Return the least time of a step on a GPU with these peaks; bf16 values count two bytes."""
    value = 2 if precision == "bf16" else 4
    moved = bytes_moved(step, cases, value)
    if step.operation.endswith("weights_grad"):  # the gradients themselves are float32
        moved += size_of(step.views()[-1], cases, 4 - value) if value < 4 else 0
    if module_of(step) == "update":
        moved = bytes_moved(step, cases)
    return max(flops(step, cases) / peaks[precision], moved / peaks["bandwidth"])


def floor_of_program(steps: list[Step], cases: int, precision: str, peaks: dict) -> float:
    """Return the least time of the steps of IN_FLOORS, one after the other."""
    counted = [step for step in steps if module_of(step) in IN_FLOORS]
    return sum(floor_seconds(step, cases, precision, peaks) for step in counted)
