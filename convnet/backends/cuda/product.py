"""The kernel of all products: tiles through shared memory, 64 sums a thread in registers.

A block computes `rows` x `columns` numbers of C, one warp tile a warp.  Tiles of both operands are
copied ahead into a ring of `stages` places while earlier ones are multiplied.  A variant is made
for each pair of kinds of operands (`tiles`), size and precision; the numbers it is made with are
constants, so that the compiler drops all other paths.
"""

from functools import cache
from typing import NamedTuple

from numba import cuda, float32, int64

from .compiling import int32, kernel
from .lowlevel import (
    WARP_COLUMNS,
    WARP_ROWS,
    clear,
    commit_copies,
    multiply,
    store_tile,
    wait_copies,
)
from .tiles import (
    COLUMNS,
    MODULES,
    ROWS,
    WINDOW,
    lanes_across,
    load_columns,
    load_modules,
    load_rows,
    load_window,
    start_columns,
    start_modules,
    start_rows,
    start_window,
    strips,
)

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
    v = variant
    a_across, b_across = lanes_across(v.rows, v.a_width), lanes_across(v.columns, v.b_width)
    a_strips, b_strips = strips(v.rows, v.a_width), strips(v.columns, v.b_width)
    function = _made(
        v.a, v.a_width, v.b, v.b_width, v.c_width, v.rows, v.columns, v.precision, v.threads,
        v.depth, v.rows + v.padding, v.columns + v.padding, v.stages,
        a_across, a_strips, b_across, b_strips, 3 * v.depth // 8, 3 * b_strips,
    )  # fmt: skip
    names = {ROWS: "rows", COLUMNS: "columns", WINDOW: "window", MODULES: "modules"}
    precision = ("fp32", "tf32", "bf16")[v.precision]
    widths = f"{v.a_width}{v.b_width}{v.c_width}"
    made = kernel(threads=v.threads, blocks=max(1, 512 // v.threads))(function)
    made.name = f"{names[v.a]}_{names[v.b]}_{widths}_{v.rows}x{v.columns}_{precision}"
    return made


def _made(
    A, A_WIDTH, B, B_WIDTH, C_WIDTH, TILE_ROWS, TILE_COLUMNS, PRECISION,
    THREADS, DEPTH, LDA, LDB, STAGES,
    A_ACROSS, A_STRIPS, B_ACROSS, B_STRIPS, A_PLACES, B_PLACES,
):  # fmt: skip
    PENDING = STAGES - 2
    STAGE = DEPTH * (LDA + LDB)
    B_FIRST = DEPTH * LDA
    RING = STAGES * STAGE
    WARPS_ACROSS = TILE_COLUMNS // WARP_COLUMNS

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
        if A == ROWS:
            start_rows(a_place, a_sizes, group, row, first, tid, A_WIDTH, A_ACROSS)
        elif A == COLUMNS:
            start_columns(a_place, a_sizes, group, row, first, tid)
        else:
            start_modules(a_place, a_sizes, first, tid, DEPTH)
        if B == ROWS:
            start_rows(b_place, b_sizes, group, column, first, tid, B_WIDTH, B_ACROSS)
        elif B == COLUMNS:
            start_columns(b_place, b_sizes, group, column, first, tid)
        else:
            start_window(b_place, b_sizes, group, column, tid, B_WIDTH, B_ACROSS, B_STRIPS)
        write, read = int32(0), int32(0)
        for k in range(first - (STAGES - 1) * DEPTH, last, DEPTH):
            if k >= first:
                wait_copies(PENDING)
                cuda.syncthreads()
            ahead = k + (STAGES - 1) * DEPTH
            if ahead < last:
                if A == ROWS:
                    load_rows(shared, write, LDA, a, a_sizes, a_place, row, ahead, last, tid,
                              TILE_ROWS, DEPTH, A_WIDTH, THREADS, A_ACROSS, A_STRIPS)  # fmt: skip
                elif A == COLUMNS:
                    load_columns(shared, write, LDA, a, a_sizes, a_place, row, ahead, last, tid,
                                 TILE_ROWS, DEPTH, THREADS)  # fmt: skip
                else:
                    load_modules(shared, write, LDA, a, a_sizes, group, a_place, taps, row, ahead,
                                 last, tid, TILE_ROWS, DEPTH, THREADS)  # fmt: skip
                if B == ROWS:
                    load_rows(shared, write + B_FIRST, LDB, b, b_sizes, b_place, column, ahead,
                              last, tid, TILE_COLUMNS, DEPTH, B_WIDTH, THREADS, B_ACROSS,
                              B_STRIPS)  # fmt: skip
                elif B == COLUMNS:
                    load_columns(shared, write + B_FIRST, LDB, b, b_sizes, b_place, column, ahead,
                                 last, tid, TILE_COLUMNS, DEPTH, THREADS)  # fmt: skip
                else:
                    load_window(shared, write + B_FIRST, LDB, b, b_sizes, b_place, taps, ahead, tid,
                                TILE_COLUMNS, DEPTH, B_WIDTH, THREADS, B_ACROSS,
                                B_STRIPS)  # fmt: skip
            commit_copies()
            write = int32(0 if write == RING - STAGE else write + STAGE)
            if k >= first:
                warp_row = warp // WARPS_ACROSS * WARP_ROWS
                warp_column = warp % WARPS_ACROSS * WARP_COLUMNS
                multiply(acc, shared, read + warp_row, read + B_FIRST + warp_column, lane,
                         LDA, LDB, DEPTH, PRECISION)  # fmt: skip
                read = int32(0 if read == RING - STAGE else read + STAGE)
        row += warp // WARPS_ACROSS * WARP_ROWS
        column += warp % WARPS_ACROSS * WARP_COLUMNS
        at = int64(cuda.blockIdx.z) * c_split + int64(group) * c_group + int64(row) * ld + column
        store_tile(
            acc, c, at, ld, rows - row, columns - column, accumulate, lane, C_WIDTH, PRECISION
        )

    return product
