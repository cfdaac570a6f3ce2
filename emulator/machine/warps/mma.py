"""mma.sync of 16 x 8 products (PTX manual, "Warp level matrix instructions: mma").

Products are exact; of the sums the manual promises no more than single precision, in any order:
they are rounded to float32 after each addition, to nearest or toward zero, in an order that the
seed decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emulator.machine.memory.compiled import compiled
from emulator.machine.types import Array, Int64s, Mask
from emulator.machine.warps import fragments
from emulator.machine.warps.together import WARP, Warps


@dataclass(frozen=True)
class Sums:
    """How sums are taken.  keys: numbers whose order is that of the terms, the last of them that of
    the accumulator, for the largest depth.  toward_zero: instead of to nearest."""

    keys: tuple[float, ...] = (*(float(i) for i in range(1, 17)), 0.0)
    toward_zero: bool = False

    def order(self, depth: int) -> Int64s:
        """Return the terms' order, `depth` standing for the accumulator."""
        keys = (*self.keys[:depth], self.keys[-1])
        return np.argsort(np.array(keys), kind="stable").astype(np.int64)


def mma_tf32(
    warps: Warps,
    a: Sequence[Array],
    b: Sequence[Array],
    c: Sequence[Array],
    m: Mask,
    sums: Sums,
    text: str,
) -> list[Array]:
    """Return m16n8k8: registers a, b are uint32, whose lower 13 bits are ignored; c is float32."""
    warps.whole(m, text)
    left, right = (
        [(register & np.uint32(0xFFFFE000)).view(np.float32) for register in side]
        for side in (a, b)
    )
    return _product(left, right, c, fragments.TF32_A, fragments.TF32_B, sums)


def mma_bf16(
    warps: Warps,
    a: Sequence[Array],
    b: Sequence[Array],
    c: Sequence[Array],
    m: Mask,
    sums: Sums,
    text: str,
) -> list[Array]:
    """Return m16n8k16: registers a, b are uint32 that hold two values, the lower half first."""
    warps.whole(m, text)
    left, right = ([half for r in side for half in _halves(r)] for side in (a, b))
    return _product(left, right, c, fragments.BF16_A, fragments.BF16_B, sums)


def _halves(register: Array) -> tuple[Array, Array]:
    low, high = register << np.uint32(16), register & np.uint32(0xFFFF0000)
    return low.view(np.float32), high.view(np.float32)


def _product(
    a: Sequence[Array],
    b: Sequence[Array],
    c: Sequence[Array],
    a_places: Int64s,
    b_places: Int64s,
    sums: Sums,
) -> list[Array]:
    left, right, start = (_by_warp(side) for side in (a, b, c))
    out = np.empty_like(start)
    order = sums.order(len(b_places))
    room, row = np.empty(b_places.shape), np.empty(8, np.float32)
    _sum(
        left,
        right,
        start,
        a_places,
        b_places,
        fragments.SUMS,
        order,
        sums.toward_zero,
        room,
        row,
        row.view(np.int32),
        out,
    )
    return list(np.ascontiguousarray(out.reshape(-1, 4).T))


def _by_warp(side: Sequence[Array]) -> Array:
    """Return a row for each warp: lane * values + value."""
    count = max(np.size(part) for part in side)
    return np.stack([np.broadcast_to(part, count) for part in side], axis=1).reshape(
        -1, WARP * len(side)
    )


@compiled
def _sum(
    left: Array,
    right: Array,
    start: Array,
    a_places: Int64s,
    b_places: Int64s,
    c_places: Int64s,
    order: Int64s,
    toward_zero: bool,
    b: Array,
    sums: Array,
    bits: Array,
    out: Array,
) -> None:
    """Compute each warp's product.  A product of two such numbers is exact in float64.

    b, sums: room for a warp's second matrix and a row of sums; bits: the same row as integers.
    """
    depth = b_places.shape[0]
    for warp in range(left.shape[0]):
        for k in range(depth):
            for column in range(8):
                b[k, column] = right[warp, b_places[k, column]]
        for row in range(16):
            for step in range(depth + 1):
                k = order[step]
                for column in range(8):
                    if k == depth:
                        term = np.float64(start[warp, c_places[row, column]])
                    else:
                        term = np.float64(left[warp, a_places[row, k]]) * b[k, column]
                    exact = term if step == 0 else np.float64(sums[column]) + term
                    sums[column] = np.float32(exact)
                    if toward_zero and abs(np.float64(sums[column])) > abs(exact):
                        bits[column] -= 1
            for column in range(8):
                out[warp, c_places[row, column]] = sums[column]
