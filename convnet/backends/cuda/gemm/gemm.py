"""Products of matrices, and of windows of images, as launches: which kernel, which grid.

Few, small tiles leave most of a GPU idle.  Then the sum over k is split among blocks (split-K),
which write partial sums to scratch memory, and a second kernel adds them in order.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.gemm.kernel import STAGES, Variant, product_kernel
from convnet.backends.cuda.gemm.tile import COLUMNS, MODULES, ROWS, WINDOW
from convnet.backends.cuda.gemm.tiles import NOWHERE
from convnet.backends.cuda.jit import SIMULATED, kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.ptx.warp_tiles import DEPTHS
from convnet.backends.cuda.runtime.launch import Array, Launch, launch, over

# rows and columns of C a block, and its speed relative to 128 x 128 (an estimate: a smaller tile
# reads more of its operands for each multiply-add).  In bf16 there are larger ones.
TILES = (
    (128, 128, 1.0), (96, 128, 0.97), (64, 128, 0.92), (128, 64, 0.92), (64, 64, 0.8),
    (32, 128, 0.75),
)  # fmt: skip
BF16_TILES = (128, 256, 1.2), (256, 128, 1.2), (64, 256, 0.95), (256, 64, 0.95)
_SMALLEST = 32, 64  # in the simulator, where a thread is slow
_PROCESSORS = 132  # of an H100 or H200
_BLOCKS = 4 if SIMULATED else 2 * _PROCESSORS  # that keep a GPU busy
_SHORTEST_SPLIT = 32 if SIMULATED else 128  # values of k
_UNUSED = 0, 0, 0, 0, 0, 0  # sizes that only windows have


@dataclass(frozen=True)
class Operand:
    """A matrix A(k, column) of each group, one operand of a product.

    kind, sizes: as in `tiles`.
    """

    array: Array
    kind: int
    sizes: tuple[int, ...]

    @property
    def columns(self) -> int:
        return self.sizes[1]

    def width(self, depth: int, number: int) -> int:
        """Return how many values one copy moves: 4 if they are always aligned to 16 bytes, else 1.

        depth: of the product.  number: its precision, an index of base.PRECISIONS.  The tiles of
        fp32 have a row for each k, so four values with neighboring k cannot be copied at once.
        """
        if not self.array.aligned(16) or (self.kind in (COLUMNS, MODULES) and number == 0):
            return 1
        group, columns, third = self.sizes[:3]  # the third is a stride, or cases
        along = {ROWS: columns, COLUMNS: depth}.get(self.kind, 0)
        return 4 if all(n % 4 == 0 for n in (group, third, along)) else 1

    def sizes_for(self, step: int) -> tuple[int, ...]:
        """Return `sizes` and the distance of `step` values of k.

        For MODULES that is (rows of modules, modules, cases); the other kinds have zeros there.
        """
        if self.kind != MODULES:
            return (*self.sizes, 0, 0, 0)
        modules, cases = divmod(step, self.sizes[2])
        return (*self.sizes, *divmod(modules, self.sizes[3]), cases)


def rows(array: Array, columns: int, stride: int, group: int = 0) -> Operand:
    """Return the operand A(k, column) = array[g * group + k * stride + column] of group g."""
    return Operand(array, ROWS, (group, columns, stride, *_UNUSED))


def columns(array: Array, columns: int, stride: int, group: int = 0) -> Operand:
    """Return the operand A(k, column) = array[g * group + column * stride + k] of group g."""
    return Operand(array, COLUMNS, (group, columns, stride, *_UNUSED))


@dataclass(frozen=True)
class Result:
    """Where a product is written: C(m, n) of group g to array[g * group + m * stride + n]."""

    array: Array
    stride: int
    group: int = 0

    def width(self, columns: int) -> int:
        """Return how many values one write moves, 4 or 1."""
        whole = all(n % 4 == 0 for n in (self.stride, self.group, columns))
        return 4 if self.array.aligned(16) and whole else 1

    def fuses(self, epilogue: Epilogue | None, columns: int) -> bool:
        """Whether the product's kernel may run the epilogue before it writes.

        That needs a cheap neuron, and a bias that is the same along a row of C.
        """
        if epilogue is None or not epilogue.is_cheap:
            return False
        per_bias = self.array.size // epilogue.biases.size  # values that share a bias
        return columns <= per_bias and self.stride % per_bias == 0 and self.group % per_bias == 0


@dataclass(frozen=True)
class Partition:
    """How a product is spread over blocks.

    tile: rows and columns of C a block.  split: values of k a block.  splits: blocks along k.
    """

    tile: tuple[int, int]
    split: int
    splits: int


def partition(m: int, n: int, depth: int, groups: int, precision: str) -> Partition:
    """Return the tile that takes least time, and splits of k where processors would be idle.

    A split is a multiple of the values of k of a tile.
    """
    tiles, step = (*TILES, *(BF16_TILES if precision == "bf16" else ())), _step(precision)
    tile = _SMALLEST if SIMULATED else min(tiles, key=lambda t: _time(m, n, groups, t))[:2]
    blocks = groups * _tiles(m, n, tile)
    most = _BLOCKS // 2 if prod(tile) > 128 * 128 else _BLOCKS  # one or two a multiprocessor
    splits = max(1, min(most // blocks, depth // _SHORTEST_SPLIT))
    split = ceil_div(ceil_div(depth, splits), step) * step
    return Partition(tile, split, ceil_div(depth, split))


def _time(m, n, groups, tile):
    """The time of the processor that gets most blocks, in numbers of C at a tile's speed.

    Fewer blocks than processors are split along k, evenly.
    """
    rows, columns, speed = tile
    blocks = groups * _tiles(m, n, tile)
    most = ceil_div(blocks, _PROCESSORS) if blocks > _PROCESSORS else blocks / _PROCESSORS
    return most * rows * columns / speed


def _tiles(m, n, tile):
    return ceil_div(m, tile[0]) * ceil_div(n, tile[1])


def scratch_bytes(m: int, n: int, depth: int, groups: int, precision: str) -> int:
    """Return the size of the scratch memory that a `Product` of these sizes needs."""
    splits = partition(m, n, depth, groups, precision).splits
    return splits * groups * m * n * 4 if splits > 1 else 0


def _step(precision):
    return DEPTHS[PRECISIONS.index(precision)]


@dataclass(frozen=True)
class Product:
    """C(m, n) (+)= the sum over k of A(k, m) B(k, n), for each group; then the epilogue.

    depth: values of k.  accumulate: add to what the result holds.  precision: one of
    base.PRECISIONS.  taps: those of a windowed operand, in the order of its k or its columns.
    """

    a: Operand
    b: Operand
    result: Result
    depth: int
    groups: int
    accumulate: bool
    precision: str
    taps: np.ndarray | None = None
    epilogue: Epilogue | None = None

    def launches(self, scratch: Array) -> list[Launch]:
        """Return the launches that compute it.  scratch: `scratch_bytes` of memory or more."""
        m, n = self.a.columns, self.b.columns
        blocks = partition(m, n, self.depth, self.groups, self.precision)
        if blocks.splits > 1:
            work, fused = self._split_k(blocks, scratch), False
        else:
            fused = self.result.fuses(self.epilogue, n)
            epilogue = self.epilogue if fused else None
            work = [self._launch(blocks, self.result, 0, self.accumulate, epilogue)]
        if self.epilogue is None or fused:
            return work
        return [*work, *self.epilogue.launches(self.result.array)]

    def _split_k(self, blocks, scratch):
        """Partial sums over splits of k, then their sum."""
        m, n, result = self.a.columns, self.b.columns, self.result
        count = self.groups * m * n
        parts = Result(scratch.part(0, (blocks.splits * count,), np.float32), n, m * n)
        partial = self._launch(blocks, parts, count, False, None)
        numbers = blocks.splits, m, n, result.group, result.stride, count, self.accumulate
        return [partial, over(_add_splits, count, parts.array, result.array, *numbers)]

    def _launch(self, blocks, target, per_split, accumulate, epilogue):
        """per_split: the distance between the results of neighboring splits of k."""
        a, b, number = self.a, self.b, PRECISIONS.index(self.precision)
        m, n, step = a.columns, b.columns, DEPTHS[number]
        widths = a.width(self.depth, number), b.width(self.depth, number), target.width(n)
        neuron, last = "", (target.array, 0, 0, 0.0, 0.0)
        if epilogue is not None:
            per_bias = target.array.size // epilogue.biases.size
            neuron, bias_steps = (
                epilogue.kind,
                (target.group // per_bias, target.stride // per_bias),
            )
            last = epilogue.biases, *bias_steps, epilogue.a, epilogue.b
        rows, columns = blocks.tile
        variant = Variant(
            a.kind, widths[0], b.kind, widths[1], widths[2], rows, columns, number, neuron
        )
        grid = self.groups * ceil_div(n, columns), ceil_div(m, rows), blocks.splits
        return launch(
            product_kernel(variant), grid, a.array, a.sizes_for(step), b.array, b.sizes_for(step),
            _tap_table(self.taps, rows, step), target.array, target.group, per_split,
            target.stride, m, n, self.depth, blocks.split, accumulate, *last,
        )  # fmt: skip


def _tap_table(taps, rows, step):
    """The taps, flat, padded with pixels outside every image to the end of the last tiles."""
    if taps is None:
        return np.zeros(2, np.int32)
    ahead = max(STAGES, 3) * step  # values of k; tiles in registers are ahead of two in memory
    more = np.full((max(rows, ahead), 2), (NOWHERE, 0), np.int32)
    return np.concatenate([taps, more]).reshape(-1)


@kernel
def _add_splits(parts, c, splits, m, n, group, stride, count, accumulate):
    """c (+)= the sum of the partial sums of a product, in order."""
    for e in elements(count):
        total = parts[e]
        for part in range(1, splits):
            total += parts[part * count + e]
        row, column = split(e, n)
        g, row = split(row, m)
        place = g * group + row * stride + column
        c[place] = c[place] + total if accumulate else total


__all__ = ["MODULES", "WINDOW", "Operand", "Product", "Result", "columns", "rows", "scratch_bytes"]
