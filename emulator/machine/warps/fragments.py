"""Which lane and register hold an element of a matrix.

PTX manual, "Matrix fragments for mma.m16n8k8" and "... for mma.m16n8k16 with floating point type".

A table has, for each element, lane * registers + register, where bf16 registers hold two values.
"""

from collections.abc import Callable

import numpy as np

from emulator.machine.types import Int64s
from emulator.machine.warps.together import WARP

Place = Callable[[int, int, int], tuple[int, int]]  # group, thread in group, value -> row, column


def table(rows: int, columns: int, place: Place) -> Int64s:
    """Return, for each row and column, lane * values + value."""
    values = rows * columns // WARP
    found = np.empty((rows, columns), np.int64)
    for lane in range(WARP):
        for value in range(values):
            found[place(lane >> 2, lane & 3, value)] = lane * values + value
    return found


# m16n8k8, .tf32: 16 x 8, 8 x 8.
TF32_A = table(16, 8, lambda group, thread, i: (group + 8 * (i & 1), thread + 4 * (i >> 1)))
TF32_B = table(8, 8, lambda group, thread, i: (thread + 4 * i, group))
# m16n8k16, .bf16: 16 x 16, 16 x 8.
BF16_A = table(
    16,
    16,
    lambda group, thread, i: (group + 8 * (i >> 1 & 1), 2 * thread + (i & 1) + 8 * (i >> 2)),
)
BF16_B = table(16, 8, lambda group, thread, i: (2 * thread + (i & 1) + 8 * (i >> 1), group))
# Both, accumulators: 16 x 8.
SUMS = table(16, 8, lambda group, thread, i: (group + 8 * (i >> 1), 2 * thread + (i & 1)))
