"""The kernel of all products: tiles through shared memory, 64 sums a thread in registers.

A block computes `rows` x `columns` numbers of C, one warp tile a warp.  Tiles of both operands are
copied ahead into a ring of `stages` places while earlier ones are multiplied.  A variant is made
for each pair of kinds of operands (`tiles`), size and precision; the numbers it is made with are
constants, so that the compiler drops all other paths.
"""

from functools import cache
from typing import NamedTuple

from numba import cuda, float32, int64

from convnet.backends.base import PRECISIONS

from .compiling import int32, kernel
from .lowlevel import (
    BLOCK_X,
    BLOCK_Y,
    THREAD_X,
    WARP_COLUMNS,
    WARP_ROWS,
    clear,
    commit_copies,
    multiply,
    read_again,
    store_tile,
    wait_copies,
)
from .tiles import COLUMNS, MODULES, ROWS, WINDOW, Tile, load_tile, start_tiles

SHARED_BYTES = 48 * 1024  # what a kernel may have without asking for more
_ALIGNMENT = 16


class Variant(NamedTuple):
    """What a kernel is made for.

    a, b: kinds of the operands.  a_width, b_width, c_width: values a copy or a write.  rows,
    columns: of C a block.  precision: index in base.PRECISIONS.
    """

    a: int
    a_width: int
    b: int
    b_width: int
    c_width: int
    rows: int
    columns: int
    precision: int

    @property
    def threads(self) -> int:
        return self.rows // WARP_ROWS * (self.columns // WARP_COLUMNS) * 32

    @property
    def blocks(self) -> int:
        """At once on a multiprocessor; more would leave too few registers to a thread.

        Sums in float32 that are written one by one need more of them, and so do small tiles of
        windows by module.
        """
        threads = 512
        if self.precision == 0 and self.c_width == 1:
            threads = 256
        elif self.precision == 0 and self.a == MODULES and self.threads < 256:
            threads = 384
        return threads // self.threads

    @property
    def depth(self) -> int:
        """Values of k a tile."""
        return 16 if self.precision == 2 else 8

    @property
    def padding(self) -> int:
        """Behind each row of a tile, so that reads (and transposing writes) meet no bank twice."""
        return 4 if self.precision == 0 else 8

    @property
    def stages(self) -> int:
        stage = self.depth * (self.rows + self.columns + 2 * self.padding) * 4
        return max(2, min(4, SHARED_BYTES // stage))


@cache
def product_kernel(variant: Variant):
    """The kernel of a variant; see `_made` for its arguments."""
    names = {ROWS: "rows", COLUMNS: "columns", WINDOW: "window", MODULES: "modules"}
    v, precision = variant, PRECISIONS[variant.precision]
    made = kernel(threads=v.threads, blocks=v.blocks)(_made(v))
    widths = f"{v.a_width}{v.b_width}{v.c_width}"
    made.name = f"{names[v.a]}_{names[v.b]}_{widths}_{v.rows}x{v.columns}_{precision}"
    return made


def _made(v):
    A = Tile.of(v.a, v.rows, v.depth, v.rows + v.padding, v.a_width, v.threads)
    B = Tile.of(v.b, v.columns, v.depth, v.columns + v.padding, v.b_width, v.threads)
    A_PLACES, B_PLACES, PENDING, DEPTH = A.places, B.places, v.stages - 2, v.depth
    B_FIRST, STAGE = v.depth * A.ld, v.depth * (A.ld + B.ld)
    AHEAD, RING = v.stages - 1, v.stages * STAGE
    TILE_ROWS, TILE_COLUMNS, LDA, LDB = v.rows, v.columns, A.ld, B.ld
    WARPS_ACROSS, C_WIDTH, PRECISION = v.columns // WARP_COLUMNS, v.c_width, v.precision

    def product(
        a, a_sizes, b, b_sizes, taps, c, c_group, c_split, ld, rows, columns, depth, share,
        accumulate,
    ):  # fmt: skip
        """C (+)= A' B of each group; block (x, y, z): columns, group and rows, share of the k.

        c: group g's row m is at g * c_group + m * ld, that of share z c_split further each.
        """
        shared = cuda.shared.array(RING, float32, _ALIGNMENT)
        acc = cuda.local.array(64, float32)
        a_place = cuda.local.array(A_PLACES, int32)
        b_place = cuda.local.array(B_PLACES, int32)
        tid = int32(cuda.threadIdx.x)
        lane, warp = tid & 31, tid >> 5
        row_tiles = (rows + TILE_ROWS - 1) // TILE_ROWS
        group = int32(cuda.blockIdx.y // row_tiles)
        row = int32(cuda.blockIdx.y % row_tiles * TILE_ROWS)
        column = int32(cuda.blockIdx.x * TILE_COLUMNS)
        first = int32(cuda.blockIdx.z * share)
        last = int32(min(first + share, depth))
        clear(acc)
        start_tiles(a_place, A, a_sizes, group, row, first, tid)
        start_tiles(b_place, B, b_sizes, group, column, first, tid)

        def load_ahead(at, k):
            load_tile(shared, at, A, a, a_sizes, taps, a_place, group, row, k, last, tid)
            at += B_FIRST
            load_tile(shared, at, B, b, b_sizes, taps, b_place, group, column, k, last, tid)

        for stage in range(AHEAD):
            if first + stage * DEPTH < last:
                load_ahead(int32(stage * STAGE), int32(first + stage * DEPTH))
            commit_copies()
        warp_row = warp // WARPS_ACROSS * WARP_ROWS
        warp_column = warp % WARPS_ACROSS * WARP_COLUMNS
        read = int32(0)
        for k in range(first, last, DEPTH):
            wait_copies(PENDING)
            cuda.syncthreads()
            ahead = int32(k + AHEAD * DEPTH)
            if ahead < last:
                load_ahead(int32((RING if read == 0 else read) - STAGE), ahead)  # read before
            commit_copies()
            at_a, at_b = read + warp_row, read + B_FIRST + warp_column
            multiply(acc, shared, at_a, at_b, lane, LDA, LDB, DEPTH, PRECISION)
            read = int32(0 if read == RING - STAGE else read + STAGE)
        tid = int32(read_again(THREAD_X, cuda.threadIdx.x))
        lane, warp = tid & 31, tid >> 5
        block = int32(read_again(BLOCK_Y, cuda.blockIdx.y))
        group = int32(block // row_tiles)
        row = int32(block % row_tiles * TILE_ROWS + warp // WARPS_ACROSS * WARP_ROWS)
        column = int32(read_again(BLOCK_X, cuda.blockIdx.x) * TILE_COLUMNS)
        column = int32(column + warp % WARPS_ACROSS * WARP_COLUMNS)
        at = int64(cuda.blockIdx.z) * c_split + int64(group) * c_group + int64(row) * ld + column
        store_tile(
            acc, c, at, ld, rows - row, columns - column, accumulate, lane, C_WIDTH, PRECISION
        )

    return product
