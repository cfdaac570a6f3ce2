"""Products of matrices, and of windows of images, as launches: which kernel, which grid.

Few, small tiles leave most of a GPU idle; then the sum over k is cut into shares that blocks of
their own compute into scratch memory, and a second kernel adds them in order.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from numba import cuda

from convnet.backends.base import PRECISIONS

from .compiling import SIMULATED, kernel
from .launch import Array, Launch, launch, over
from .product import Variant, product_kernel
from .tiles import COLUMNS, MODULES, ROWS, WINDOW

# rows and columns of C a block, and how fast it runs beside the largest (an estimate: a smaller
# tile reads more of its operands for each product).
TILES = (
    (128, 128, 1.0), (96, 128, 0.97), (64, 128, 0.92), (128, 64, 0.92), (64, 64, 0.8),
    (32, 128, 0.75),
)  # fmt: skip
_SMALLEST = 32, 64  # in the simulator, where a thread is dear
_BLOCKS = 4 if SIMULATED else 264  # that keep a GPU busy: two for each of an H100's processors
_SHORTEST_SHARE = 16 if SIMULATED else 128  # values of k


@dataclass(frozen=True)
class Operand:
    """A matrix A(k, column) of each group.  See `tiles` for kinds and sizes."""

    array: Array
    kind: int
    sizes: tuple[int, ...]

    @property
    def columns(self) -> int:
        return self.sizes[1]

    @property
    def width(self) -> int:
        """Values that one copy may take: four if they are always aligned to 16 bytes."""
        strides = {ROWS: (0, 1, 2), WINDOW: (0, 2)}.get(self.kind)
        if strides is None or not self.array.aligned(16):
            return 1
        return 4 if all(self.sizes[i] % 4 == 0 for i in strides) else 1


def rows(array: Array, columns: int, stride: int, group: int = 0) -> Operand:
    """A(k, column) = array[group g + k stride + column]."""
    return Operand(array, ROWS, (group, columns, stride, 0, 0, 0, 0, 0))


def columns(array: Array, columns: int, stride: int, group: int = 0) -> Operand:
    """A(k, column) = array[group g + column stride + k]."""
    return Operand(array, COLUMNS, (group, columns, stride, 0, 0, 0, 0, 0))


@dataclass(frozen=True)
class Result:
    """Where the numbers go: C(m, n) of group g to array[g group + m stride + n]."""

    array: Array
    stride: int
    group: int = 0

    def width(self, columns: int, most: int) -> int:
        """Values that one write may take, at most `most`."""
        aligned = self.array.aligned(4 * most)
        whole = all(n % most == 0 for n in (self.stride, self.group, columns))
        return most if aligned and whole else 1


@dataclass(frozen=True)
class Cut:
    """How a product is spread over blocks.  share: values of k of each of `shares` blocks."""

    tile: tuple[int, int]
    share: int
    shares: int


def cut(m: int, n: int, depth: int, groups: int, step: int) -> Cut:
    """The tile that wastes least, and shares of k, multiples of `step`, for idle processors."""
    tile = _SMALLEST if SIMULATED else min(TILES, key=lambda t: _padded(m, n, t) / t[2])[:2]
    blocks = groups * prod(-(-size // side) for size, side in zip((m, n), tile, strict=True))
    shares = max(1, min(_BLOCKS // blocks, depth // _SHORTEST_SHARE))
    share = -(-depth // shares // step) * step
    return Cut(tile, share, -(-depth // share))


def _padded(m, n, tile):
    return -(-m // tile[0]) * tile[0] * -(-n // tile[1]) * tile[1]


def scratch_bytes(m: int, n: int, depth: int, groups: int, precision: str) -> int:
    """The scratch memory that `product` needs for sizes like these."""
    shares = cut(m, n, depth, groups, _step(precision)).shares
    return shares * groups * m * n * 4 if shares > 1 else 0


def _step(precision):
    return 16 if precision == "bf16" else 8


def product(
    a: Operand,
    b: Operand,
    result: Result,
    depth: int,
    groups: int,
    accumulate: bool,
    precision: str,
    scratch: Array,
    taps: np.ndarray | None = None,
) -> list[Launch]:
    """C(m, n) (+)= the sum over k of A(k, m) B(k, n), for each group.

    taps: packed taps of a windowed operand, in the order of its k or its columns.
    """
    m, n = a.columns, b.columns
    how = cut(m, n, depth, groups, _step(precision))
    target, stride, group, split = result, result.stride, result.group, 0
    if how.shares > 1:
        stride, group, split = n, m * n, groups * m * n
        parts = scratch.part(0, (how.shares * split,), np.float32)
        target = Result(parts, stride, group)
    number = PRECISIONS.index(precision)
    c_width = target.width(n, 2 if number else 4)
    variant = Variant(a.kind, a.width, b.kind, b.width, c_width, *how.tile, number)
    grid = -(-n // how.tile[1]), groups * -(-m // how.tile[0]), how.shares
    table = np.zeros(1, np.int32) if taps is None else _to_whole_tiles(taps, how.tile[0])
    adds = accumulate and how.shares == 1
    made = launch(
        product_kernel(variant), grid, a.array, a.sizes, b.array, b.sizes, table, target.array,
        group, split, stride, m, n, depth, how.share, adds,
    )  # fmt: skip
    if how.shares == 1:
        return [made]
    numbers = how.shares, m, n, result.group, result.stride, split, accumulate
    return [made, over(_add_shares, split, target.array, result.array, *numbers)]


def _to_whole_tiles(taps, rows):
    """With entries of -1 behind the last, as many as the last tile may reach for."""
    return np.pad(taps, (0, max(rows, 16) - 1), constant_values=-1)


@kernel
def _add_shares(parts, c, shares, m, n, group, stride, count, accumulate):
    """c (+)= the sum of the shares of a product, in order."""
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        total = parts[e]
        for share in range(1, shares):
            total += parts[share * count + e]
        place = e // n // m * group + e // n % m * stride + e % n
        c[place] = c[place] + total if accumulate else total


__all__ = ["MODULES", "WINDOW", "Operand", "Result", "columns", "product", "rows", "scratch_bytes"]
