"""mma.sync of 16 x 8 products (PTX manual, "Warp level matrix instructions: mma").

Products are exact; of the sums the manual promises no more than single precision, in any order:
they are rounded to float32 after each addition, to nearest or toward zero, in an order that the
seed decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emulator.machine.memory.compiled import compiled
from emulator.machine.memory.records import WARP
from emulator.machine.types import Array, Int64s, Mask
from emulator.machine.warps import fragments
from emulator.machine.warps.together import Warps


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
    count = len(warps.whole(m, text))
    left, right = (_rows(side, count) & np.uint32(0xFFFFE000) for side in (a, b))
    places = fragments.TF32_A, fragments.TF32_B
    return _product(left, right, _rows(c, count), *places, sums)


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
    count = len(warps.whole(m, text))
    left, right = (_halves(_rows(side, count)) for side in (a, b))
    places = fragments.BF16_A, fragments.BF16_B
    return _product(left, right, _rows(c, count), *places, sums)


def _rows(side: Sequence[Array], count: int) -> Array:
    """Return a row of all threads' values for each register."""
    whole = [part if np.shape(part) == (count,) else np.full(count, part) for part in side]
    return np.array(whole)


def _halves(registers: Array) -> Array:
    """Return two rows for each register."""
    found = np.empty((len(registers), 2, registers.shape[1]), np.uint32)
    found[:, 0], found[:, 1] = registers << np.uint32(16), registers & np.uint32(0xFFFF0000)
    return found.reshape(-1, registers.shape[1])


def _product(
    a: Array, b: Array, c: Array, a_places: Int64s, b_places: Int64s, sums: Sums
) -> list[Array]:
    """Return rows of sums; a, b: rows of uint32, the bits of float32 numbers."""
    warps, depth = c.shape[1] // WARP, b_places.shape[1] // 8
    left = np.empty((warps, 16, depth))
    right, start = np.empty((warps, depth, 8)), np.empty((warps, 16, 8))
    _take(a.view(np.float32), a_places, left.reshape(warps, -1))
    _take(b.view(np.float32), b_places, right.reshape(warps, -1))
    _take(c, fragments.SUMS, start.reshape(warps, -1))
    row, out = np.empty(8, np.float32), np.empty_like(c)
    _sum(left, right, start, sums.order(depth), sums.toward_zero, row, row.view(np.int32))
    _give(start.reshape(warps, -1), fragments.SUMS, out)
    return list(out)


@compiled
def _take(registers: Array, places: Int64s, elements: Array) -> None:
    """Copy the elements of each warp's matrix from registers; the opposite of `_give`."""
    for warp in range(len(elements)):
        for i in range(places.shape[1]):
            elements[warp, i] = registers[places[0, i], WARP * warp + places[1, i]]


@compiled
def _give(elements: Array, places: Int64s, registers: Array) -> None:
    for warp in range(len(elements)):
        for i in range(places.shape[1]):
            registers[places[0, i], WARP * warp + places[1, i]] = elements[warp, i]


@compiled
def _sum(
    left: Array,
    right: Array,
    start: Array,
    order: Int64s,
    toward_zero: bool,
    sums: Array,
    bits: Array,
) -> None:
    """Add each warp's product to `start`.  A product of two such numbers is exact in float64.

    sums: room for a row; bits: the same row as integers.
    """
    depth = left.shape[2]
    for warp in range(len(left)):
        for row in range(16):
            for step in range(depth + 1):
                k = order[step]
                factor = left[warp, row, k] if k < depth else 0.0
                for column in range(8):
                    if k == depth:
                        term = start[warp, row, column]
                    else:
                        term = factor * right[warp, k, column]
                    exact = term if step == 0 else np.float64(sums[column]) + term
                    sums[column] = np.float32(exact)
                    if toward_zero and abs(np.float64(sums[column])) > abs(exact):
                        bits[column] -= 1
            for column in range(8):
                start[warp, row, column] = sums[column]
