"""Products of matrices, and of windows of images, as launches: which kernel, which grid.

Few, small tiles leave most of a GPU idle; then the sum over k is cut into shares that blocks of
their own compute into scratch memory, and a second kernel adds them in order.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from numba import cuda

from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.gemm.epilogue import Finish, finished
from convnet.backends.cuda.gemm.kernel import STAGES, Variant, product_kernel
from convnet.backends.cuda.gemm.tiles import COLUMNS, MODULES, NOWHERE, ROWS, WINDOW
from convnet.backends.cuda.jit import SIMULATED, kernel
from convnet.backends.cuda.ptx.warp_tiles import DEPTHS
from convnet.backends.cuda.runtime.launch import Array, Launch, launch, over

# rows and columns of C a block, and how fast it runs beside the largest (an estimate: a smaller
# tile reads more of its operands for each product).
TILES = (
    (128, 128, 1.0), (96, 128, 0.97), (64, 128, 0.92), (128, 64, 0.92), (64, 64, 0.8),
    (32, 128, 0.75),
)  # fmt: skip
_SMALLEST = 32, 64  # in the simulator, where a thread is dear
_BLOCKS = 4 if SIMULATED else 264  # that keep a GPU busy: two for each of an H100's processors
_SHORTEST_SHARE = 32 if SIMULATED else 128  # values of k
_UNUSED = 0, 0, 0, 0, 0, 0  # sizes that only windows have


@dataclass(frozen=True)
class Operand:
    """A matrix A(k, column) of each group.  See `tiles` for kinds and sizes."""

    array: Array
    kind: int
    sizes: tuple[int, ...]

    @property
    def columns(self) -> int:
        return self.sizes[1]

    def width(self, depth: int, number: int) -> int:
        """Values that one copy may take: four if they are always aligned to 16 bytes.

        In float32 tiles have k as rows, which values that are neighbours by k cannot be copied to.
        """
        if not self.array.aligned(16) or (self.kind in (COLUMNS, MODULES) and number == 0):
            return 1
        group, wide, third = self.sizes[:3]  # the third is a stride, or cases
        along = {ROWS: wide, COLUMNS: depth}.get(self.kind, 0)
        return 4 if all(n % 4 == 0 for n in (group, third, along)) else 1

    def sizes_for(self, step: int) -> tuple[int, ...]:
        """With how far `step` values of k are, which MODULES know as modules and cases."""
        if self.kind != MODULES:
            return (*self.sizes, 0, 0, 0)
        modules, cases = divmod(step, self.sizes[2])
        return (*self.sizes, *divmod(modules, self.sizes[3]), cases)


def rows(array: Array, columns: int, stride: int, group: int = 0) -> Operand:
    """A(k, column) = array[group g + k stride + column]."""
    return Operand(array, ROWS, (group, columns, stride, *_UNUSED))


def columns(array: Array, columns: int, stride: int, group: int = 0) -> Operand:
    """A(k, column) = array[group g + column stride + k]."""
    return Operand(array, COLUMNS, (group, columns, stride, *_UNUSED))


@dataclass(frozen=True)
class Result:
    """Where the numbers go: C(m, n) of group g to array[g group + m stride + n]."""

    array: Array
    stride: int
    group: int = 0

    def width(self, columns: int) -> int:
        """Values that one write may take, four or one."""
        whole = all(n % 4 == 0 for n in (self.stride, self.group, columns))
        return 4 if self.array.aligned(16) and whole else 1

    def takes(self, finish: Finish | None, columns: int) -> bool:
        """Whether the kernel may finish its results: a bias for each row, a neuron of few steps."""
        if finish is None or not finish.short:
            return False
        shared = self.array.size // finish.biases.size  # numbers that have one bias
        return columns <= shared and self.stride % shared == 0 and self.group % shared == 0


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
    return DEPTHS[PRECISIONS.index(precision)]


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
    finish: Finish | None = None,
) -> list[Launch]:
    """C(m, n) (+)= the sum over k of A(k, m) B(k, n), for each group; then `finish`.

    taps: those of a windowed operand, in the order of its k or its columns.
    """
    m, n = a.columns, b.columns
    how = cut(m, n, depth, groups, _step(precision))
    number = PRECISIONS.index(precision)
    if how.shares > 1:
        work = _shared_out(a, b, result, depth, groups, accumulate, number, scratch, taps, how)
    else:
        own = finish if result.takes(finish, n) else None
        finish = None if own else finish
        work = [_launch(a, b, result, 0, depth, groups, accumulate, number, taps, how, own)]
    return work if finish is None else [*work, *finished(result.array, finish)]


def _shared_out(a, b, result, depth, groups, accumulate, number, scratch, taps, how):
    """By shares of the k, which are added then."""
    m, n = a.columns, b.columns
    count = groups * m * n
    parts = Result(scratch.part(0, (how.shares * count,), np.float32), n, m * n)
    made = _launch(a, b, parts, count, depth, groups, False, number, taps, how, None)
    numbers = how.shares, m, n, result.group, result.stride, count, accumulate
    return [made, over(_add_shares, count, parts.array, result.array, *numbers)]


def _launch(a, b, target, split, depth, groups, accumulate, number, taps, how, finish):
    """split: how far results of a share are from those of the one before."""
    m, n, step = a.columns, b.columns, DEPTHS[number]
    widths = a.width(depth, number), b.width(depth, number), target.width(n)
    neuron, last = "", (target.array, 0, 0, 0.0, 0.0)
    if finish is not None:
        shared = target.array.size // finish.biases.size
        neuron = finish.kind
        last = finish.biases, target.group // shared, target.stride // shared, finish.a, finish.b
    variant = Variant(a.kind, widths[0], b.kind, widths[1], widths[2], *how.tile, number, neuron)
    grid = groups * -(-n // how.tile[1]), -(-m // how.tile[0]), how.shares
    table = np.zeros(2, np.int32) if taps is None else _to_whole_tiles(taps, how.tile[0], step)
    return launch(
        product_kernel(variant), grid, a.array, a.sizes_for(step), b.array, b.sizes_for(step),
        table, target.array, target.group, split, target.stride, m, n, depth, how.share,
        accumulate, *last,
    )  # fmt: skip


def _to_whole_tiles(taps, rows, step):
    """Flat, with entries that are nowhere behind the last: those that tiles may reach for."""
    more = np.full((max(rows, STAGES * step), 2), (NOWHERE, 0), np.int32)
    return np.concatenate([taps, more]).reshape(-1)


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
