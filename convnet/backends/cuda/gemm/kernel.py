"""The kernel of all products: tiles through shared memory, 64 sums a thread in registers.

A block computes `rows` x `columns` numbers of C, one warp tile a warp.  Tiles of both operands are
copied ahead into a ring of `stages` places while earlier ones are multiplied.  A variant is made
for each pair of kinds of operands (`tiles`), size and precision; the numbers it is made with are
constants, so that the compiler drops all other paths.
"""

from functools import cache
from typing import NamedTuple

from numba import cuda, float32, int64
from numba import int32 as number

from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.gemm.tiles import (
    COLUMNS,
    MODULES,
    ROWS,
    WINDOW,
    Tile,
    load_tile,
    start_tiles,
)
from convnet.backends.cuda.jit import SIMULATED, int32, kernel, uint32
from convnet.backends.cuda.kernels.neuron_functions import FUNCTIONS
from convnet.backends.cuda.ptx.intrinsics import (
    BLOCK_X,
    BLOCK_Y,
    THREAD_X,
    add_tile,
    clear,
    commit_copies,
    finish_tile,
    multiply,
    read_again,
    shared_address,
    store_tile,
    wait_copies,
)
from convnet.backends.cuda.ptx.warp_tiles import DEPTHS, PADDING

SHARED_BYTES = 48 * 1024  # what a kernel may have without asking for more
STAGES = 2 if SIMULATED else 4  # at most, of the ring; in the simulator a copy is dear
_ALIGNMENT = 16


class Variant(NamedTuple):
    """What a kernel is made for.

    a, b: kinds of the operands.  a_width, b_width, c_width: values a copy or a write.  rows,
    columns: of C a block.  precision: index in base.PRECISIONS.  neuron: that finishes the result,
    a key of FUNCTIONS; empty if biases and neuron are not this kernel's.
    """

    a: int
    a_width: int
    b: int
    b_width: int
    c_width: int
    rows: int
    columns: int
    precision: int
    neuron: str = ""

    @property
    def warp(self) -> tuple[int, int]:
        """Rows and columns of a warp tile: on tensor cores large ones, where several are left.

        Copies of single values need the registers that a large tile would.
        """
        if self.precision and min(self.a_width, self.b_width) == 4:
            if self.rows % 96 == 0:
                return 96, 32
            if self.rows % 64 == 0 and self.rows * self.columns > 64 * 64:
                return 64, 64
        return 32, 64

    @property
    def threads(self) -> int:
        rows, columns = self.warp
        return self.rows // rows * (self.columns // columns) * 32

    @property
    def blocks(self) -> int:
        """At once on a multiprocessor; more would leave too few registers to a thread.

        Results that are written one by one need more of them, and so do small tiles of windows by
        module in float32, and operands that are copied one by one on tensor cores.
        """
        if self.precision == 0:
            threads = 256 if self.c_width == 1 else 512
            if self.a == MODULES and self.threads < 256:
                threads = min(threads, 384)
        else:
            small = self.warp == (32, 64) and min(self.a_width, self.b_width) == 4
            threads = 384 if small else 256
        return threads // self.threads

    def tiles(self) -> tuple[Tile, Tile]:
        """How the operands' tiles are copied."""
        depth, padding = DEPTHS[self.precision], PADDING[self.precision]
        return (
            Tile.of(self.a, self.rows, depth, padding, self.a_width, self.threads),
            Tile.of(self.b, self.columns, depth, padding, self.b_width, self.threads),
        )


@cache
def product_kernel(variant: Variant):
    """The kernel of a variant; see `_made` for its arguments."""
    names = {ROWS: "rows", COLUMNS: "columns", WINDOW: "window", MODULES: "modules"}
    v, precision = variant, PRECISIONS[variant.precision]
    made = kernel(threads=v.threads, blocks=v.blocks)(_made(v))
    widths = f"{v.a_width}{v.b_width}{v.c_width}"
    name = f"{names[v.a]}_{names[v.b]}_{widths}_{v.rows}x{v.columns}_{precision}"
    made.name = f"{name}_{v.neuron}" if v.neuron else name
    return made


def _made(v):
    A, B = v.tiles()
    A_PLACES, B_PLACES, A_STEP, B_STEP = A.places, B.places, A.column_step, B.column_step
    A_LAYOUT, A_LD, B_LAYOUT, B_LD = A.layout, A.ld, B.layout, B.ld
    B_FIRST, STAGE, DEPTH = 4 * A.size, 4 * (A.size + B.size), A.depth  # bytes
    PLACES = max(2, min(STAGES, SHARED_BYTES // STAGE))
    PENDING, AHEAD, RING, RING_VALUES = PLACES - 2, PLACES - 1, PLACES * STAGE, PLACES * STAGE // 4
    TILE_ROWS, TILE_COLUMNS, (WARP_ROWS, WARP_COLUMNS) = v.rows, v.columns, v.warp
    WARPS_ACROSS, SUMS = v.columns // WARP_COLUMNS, WARP_ROWS * WARP_COLUMNS // 32
    C_WIDTH, PRECISION = v.c_width, v.precision
    FINISHED, NEURON = v.neuron != "", FUNCTIONS[v.neuron or "ident"]

    def product(
        a, a_sizes, b, b_sizes, taps, c, c_group, c_split, ld, rows, columns, depth, share,
        accumulate, biases, bias_group, bias_row, p, q,
    ):  # fmt: skip
        """C (+)= A' B of each group; block (x, y, z): group and columns, rows, share of the k.

        c: group g's row m is at g * c_group + m * ld, that of share z c_split further each; its
        bias is biases[g * bias_group + m * bias_row].  p, q: the neuron's.
        """
        shared = cuda.shared.array(RING_VALUES, float32, _ALIGNMENT)
        acc = cuda.local.array(SUMS, float32)
        a_place = cuda.local.array(A_PLACES, number)
        b_place = cuda.local.array(B_PLACES, number)
        tid = int32(cuda.threadIdx.x)
        lane, warp = tid & 31, tid >> 5
        column_tiles = uint32(columns + TILE_COLUMNS - 1) // uint32(TILE_COLUMNS)
        group = int32(uint32(cuda.blockIdx.x) // uint32(column_tiles))
        column = int32((cuda.blockIdx.x - group * column_tiles) * TILE_COLUMNS)
        row = int32(cuda.blockIdx.y * TILE_ROWS)
        k = int32(cuda.blockIdx.z * share)
        last = int32(min(k + share, depth))
        clear(acc, WARP_ROWS, WARP_COLUMNS)
        start_tiles(a_place, A, a_sizes, group, row, k, tid)
        start_tiles(b_place, B, b_sizes, group, column, k, tid)

        def load_ahead(at, k):
            load_tile(shared, at, A, a, a_sizes, taps, a_place, group, row, k, last, tid)
            at = int32(at + B_FIRST)
            load_tile(shared, at, B, b, b_sizes, taps, b_place, group, column, k, last, tid)

        begin = shared_address(shared)
        for stage in range(AHEAD):
            load_ahead(int32(begin + stage * STAGE), int32(k + stage * DEPTH))
            commit_copies()
        warp_a = int32(warp // WARPS_ACROSS * WARP_ROWS * A_STEP * 4)
        warp_b = int32(B_FIRST + warp % WARPS_ACROSS * WARP_COLUMNS * B_STEP * 4)
        read, was_read, end = begin, int32(begin + AHEAD * STAGE), int32(begin + RING)
        while k < last:
            wait_copies(PENDING)
            cuda.syncthreads()
            load_ahead(was_read, int32(k + AHEAD * DEPTH))  # zeros behind the last k: no branch
            commit_copies()
            at_a, at_b = int32(read + warp_a), int32(read + warp_b)
            multiply(
                acc, shared, at_a, at_b, lane, A_LAYOUT, A_LD, B_LAYOUT, B_LD,
                WARP_ROWS, WARP_COLUMNS, PRECISION,
            )  # fmt: skip
            was_read, read = read, int32(read + STAGE)
            if read == end:
                read = begin
            k = int32(k + DEPTH)
        wait_copies(0)  # those behind the last k, before the block ends
        tid = int32(read_again(THREAD_X, cuda.threadIdx.x))
        lane, warp = tid & 31, tid >> 5
        block = int32(read_again(BLOCK_X, cuda.blockIdx.x))
        group = int32(uint32(block) // uint32(column_tiles))
        column = int32((block - group * column_tiles) * TILE_COLUMNS)
        column = int32(column + warp % WARPS_ACROSS * WARP_COLUMNS)
        row = int32(read_again(BLOCK_Y, cuda.blockIdx.y) * TILE_ROWS)
        row = int32(row + warp // WARPS_ACROSS * WARP_ROWS)
        at = int64(cuda.blockIdx.z) * c_split + int64(group) * c_group + int64(row) * ld + column
        rows_left, columns_left = rows - row, columns - column
        if accumulate:
            add_tile(
                acc, c, at, ld, rows_left, columns_left, lane, C_WIDTH, WARP_ROWS, WARP_COLUMNS,
                PRECISION,
            )  # fmt: skip
        if FINISHED:
            first = group * bias_group + row * bias_row
            finish_tile(
                acc, biases, first, bias_row, rows_left, lane, NEURON, p, q, WARP_ROWS,
                WARP_COLUMNS, PRECISION,
            )  # fmt: skip
        store_tile(
            acc, c, at, ld, rows_left, columns_left, lane, C_WIDTH, WARP_ROWS, WARP_COLUMNS,
            PRECISION,
        )  # fmt: skip

    return product
