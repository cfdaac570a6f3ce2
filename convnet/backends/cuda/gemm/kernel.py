"""The kernel of all products: tiles in shared memory, 64 sums a thread in registers.

A block computes `rows` x `columns` numbers of C, and each of its warps one warp tile.  Tiles of
both operands are copied asynchronously to a ring buffer in shared memory while earlier ones are
multiplied.  In bf16 they pass through registers, where they are rounded, and two tiles take turns:
to read float32 from shared memory would take longer than the tensor cores do.

There is a variant for each pair of kinds of operands (`tiles`), size and precision; what
distinguishes variants is constant in the kernel, so that the compiler drops all other paths.
"""

from functools import cache
from typing import NamedTuple

from numba import cuda, float32, int64
from numba import int32 as number

from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.gemm.tile import COLUMNS, MODULES, ROWS, WINDOW, Tile
from convnet.backends.cuda.gemm.tiles import load_tile, round_tile, start_tiles
from convnet.backends.cuda.jit import SIMULATED, Kernel, int32, kernel, uint32
from convnet.backends.cuda.kernels.neuron_functions import FUNCTIONS
from convnet.backends.cuda.ptx.intrinsics import (
    BLOCK_X,
    BLOCK_Y,
    THREAD_X,
    add_tile,
    clear,
    commit_copies,
    epilogue_tile,
    multiply,
    read_again,
    shared_address,
    store_tile,
    wait_copies,
)

SHARED_BYTES = 48 * 1024  # of a kernel that does not opt in to more
STAGES = 2 if SIMULATED else 4  # of the ring at most; copies are slow in the simulator
_ALIGNMENT = 16


class Variant(NamedTuple):
    """The constants of a kernel.

    a, b: kinds of the operands.  a_width, b_width, c_width: values a copy or a write.  rows,
    columns: of C a block.  precision: index in base.PRECISIONS.  neuron: of the fused epilogue, a
    key of FUNCTIONS; empty without one.
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
        """Rows and columns of a warp tile.

        Tensor cores take large ones where a block still has several warps.  Asynchronous copies of
        single values leave no registers for a large tile.
        """
        if self.precision == 2 or (self.precision and min(self.a_width, self.b_width) == 4):
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
        """Blocks that fit on a multiprocessor at once; more would leave a thread too few registers.

        A thread needs more of them where results are written one by one, where small tiles are
        copied from windows by module in float32, and where operands of tensor cores are copied one
        by one.
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
        """Return how the tiles of A and of B are copied."""
        return (
            Tile.of(self.a, self.rows, self.precision, self.a_width, self.threads),
            Tile.of(self.b, self.columns, self.precision, self.b_width, self.threads),
        )


@cache
def product_kernel(variant: Variant) -> Kernel:
    """Return the kernel of a variant; see `_product` for its arguments."""
    names = {ROWS: "rows", COLUMNS: "columns", WINDOW: "window", MODULES: "modules"}
    v, precision = variant, PRECISIONS[variant.precision]
    made = kernel(threads=v.threads, blocks=v.blocks)(_product(v))
    widths = f"{v.a_width}{v.b_width}{v.c_width}"
    name = f"{names[v.a]}_{names[v.b]}_{widths}_{v.rows}x{v.columns}_{precision}"
    made.name = f"{name}_{v.neuron}" if v.neuron else name
    return made


def _product(v):
    """The kernel function; capital letters are its constants."""
    A, B = v.tiles()
    A_PLACES, B_PLACES, A_STEP, B_STEP = A.places, B.places, A.column_step, B.column_step
    A_LAYOUT, A_LD, B_LAYOUT, B_LD = A.layout, A.ld, B.layout, B.ld
    A_HELD, B_HELD, HELD, VALUE = max(A.held, 1), max(B.held, 1), A.held > 0, A.value_bytes
    B_FIRST, STAGE, DEPTH = A.bytes, A.bytes + B.bytes, A.depth  # the first two in bytes
    PLACES = 2 if HELD else max(2, min(STAGES, SHARED_BYTES // STAGE))
    PENDING, AHEAD, RING, RING_VALUES = PLACES - 2, PLACES - 1, PLACES * STAGE, PLACES * STAGE // 4
    TILE_ROWS, TILE_COLUMNS, (WARP_ROWS, WARP_COLUMNS) = v.rows, v.columns, v.warp
    WARPS_ACROSS, SUMS = v.columns // WARP_COLUMNS, WARP_ROWS * WARP_COLUMNS // 32
    C_WIDTH, PRECISION = v.c_width, v.precision
    FUSED, NEURON = v.neuron != "", FUNCTIONS[v.neuron or "ident"]

    def product(
        a, a_sizes, b, b_sizes, taps, c, c_group, c_split, ld, rows, columns, depth, split,
        accumulate, biases, bias_group, bias_row, p, q,
    ):  # fmt: skip
        """C (+)= A' B of each group; block (x, y, z) has group and columns, rows, split of k.

        Row m of group g of split z begins at c[z * c_split + g * c_group + m * ld].  Its bias is
        biases[g * bias_group + m * bias_row].  p, q: parameters of the neuron.
        """
        shared = cuda.shared.array(RING_VALUES, float32, _ALIGNMENT)
        acc = cuda.local.array(SUMS, float32)
        a_place = cuda.local.array(A_PLACES, number)
        b_place = cuda.local.array(B_PLACES, number)
        a_held = cuda.local.array(A_HELD, float32)
        b_held = cuda.local.array(B_HELD, float32)
        tid = int32(cuda.threadIdx.x)
        lane, warp = tid & 31, tid >> 5
        column_tiles = uint32(columns + TILE_COLUMNS - 1) // uint32(TILE_COLUMNS)
        group = int32(uint32(cuda.blockIdx.x) // uint32(column_tiles))
        column = int32((cuda.blockIdx.x - group * column_tiles) * TILE_COLUMNS)
        row = int32(cuda.blockIdx.y * TILE_ROWS)
        k = int32(cuda.blockIdx.z * split)
        last = int32(min(k + split, depth))
        clear(acc, WARP_ROWS, WARP_COLUMNS)
        start_tiles(a_place, A, a_sizes, group, row, k, tid)
        start_tiles(b_place, B, b_sizes, group, column, k, tid)

        def load_ahead(at, k):
            load_tile(a_held, shared, at, A, a, a_sizes, taps, a_place, group, row, k, last, tid)
            at = int32(at + B_FIRST)
            load_tile(b_held, shared, at, B, b, b_sizes, taps, b_place, group, column, k, last, tid)

        def round_held(at):
            round_tile(shared, at, A, a_held, tid)
            round_tile(shared, int32(at + B_FIRST), B, b_held, tid)

        begin = shared_address(shared)
        for stage in range(AHEAD):
            load_ahead(int32(begin + stage * STAGE), int32(k + stage * DEPTH))
            if not HELD:
                commit_copies()
        if HELD:
            round_held(begin)
            load_ahead(begin, int32(k + DEPTH))
        warp_a = int32(warp // WARPS_ACROSS * WARP_ROWS * A_STEP * VALUE)
        warp_b = int32(B_FIRST + warp % WARPS_ACROSS * WARP_COLUMNS * B_STEP * VALUE)
        read, was_read, end = begin, int32(begin + AHEAD * STAGE), int32(begin + RING)
        while k < last:
            if not HELD:
                wait_copies(PENDING)
            cuda.syncthreads()
            if HELD:
                round_held(was_read)
                load_ahead(was_read, int32(k + 2 * DEPTH))
            else:
                load_ahead(was_read, int32(k + AHEAD * DEPTH))  # zeros beyond the last k: no branch
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
        if not HELD:
            wait_copies(0)  # also those beyond the last k, before the block ends
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
        if FUSED:
            first = group * bias_group + row * bias_row
            epilogue_tile(
                acc, biases, first, bias_row, rows_left, lane, NEURON, p, q, WARP_ROWS,
                WARP_COLUMNS, PRECISION,
            )  # fmt: skip
        store_tile(
            acc, c, at, ld, rows_left, columns_left, lane, C_WIDTH, WARP_ROWS, WARP_COLUMNS,
            PRECISION,
        )  # fmt: skip

    return product
