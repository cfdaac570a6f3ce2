"""The weight gradient of a convolution as a matrix product over outputs.

dw[tap, filter] = sum over columns (position, case) of pixel[tap, column] * dy[filter, column].
For one chunk of columns at a time, the pixels are gathered as in the forward pass, and dy is
transposed so that the filters fill the vectors.  The product is split-K: the columns are split
among independent tasks with sums of their own, which are added at the end in a fixed order.  The
number of tasks depends on the shapes alone, so that any number of threads gives the same sums.
"""

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.cpu.gemm.direct_conv import row_blocks
from convnet.backends.cpu.gemm.im2col import RUN_FIELDS, gather, list_runs, shrink, taps_inside
from convnet.backends.cpu.gemm.split_k import splits_of
from convnet.backends.cpu.jit import exact, helper, kernel_ceil_div
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    block_product,
    transpose_square,
    zero_bytes,
)
from convnet.backends.cpu.scratch import Parts

_NARROW = BLOCK_BYTES <= 64
CHUNK = 256 if _NARROW else 192  # columns of a pass: a block of dy stays in the first-level cache
TAPS = (64 if _NARROW else 128) * ROWS  # gathered at a time: they stay in the second-level cache
_PARTIAL_BYTES = 2**24  # limit of the sums of all tasks
_LEAST_CHUNKS = 2  # of a split


def weight_parts(
    threads: int, dw_shape: tuple[int, ...], columns: int, groups: int, dtype: np.dtype
) -> Parts:
    """Return the scratch: sums of all tasks; for each thread a table, pixels, transposed dy."""
    channels, size, _, filters = dw_shape
    width, blocks = block_columns(dtype), row_blocks(channels * size * size)
    filter_blocks = ceil_div(filters // groups, width)
    group_bytes = filter_blocks * blocks * ROWS * width * dtype.itemsize
    most = min(_PARTIAL_BYTES // (groups * group_bytes), columns // (CHUNK * _LEAST_CHUNKS))
    return [
        ((groups, splits_of(groups, most), filter_blocks, blocks * ROWS, width), dtype),
        ((threads, CHUNK, RUN_FIELDS), np.int64),
        ((threads, TAPS, CHUNK), dtype),
        ((threads, filter_blocks, CHUNK, width), dtype),
    ]


@helper
def transpose(dy, row, rows, columns, first, count, target):
    """target[block, column, f] = dy[row + block * width + f, first + column].

    dy: flat, of shape (all rows, columns); `rows` rows and `count` columns are read.
    target: (blocks, columns, width).
    """
    width, item = target.shape[2], dy.itemsize
    lanes = VECTOR_BYTES // item
    for f in range(0, rows, lanes):
        block, lane = f // width, f % width
        place = (row + f) * columns + first
        whole = count // lanes * lanes if f + lanes <= rows else 0
        for j in range(0, whole, lanes):
            transpose_square(
                dy,
                address(dy) + (place + j) * item,
                columns,
                address(target[block, j]) + lane * item,
                width,
            )
        for k in range(min(lanes, rows - f)):
            for j in range(whole, count):
                target[block, j, lane + k] = dy[place + k * columns + j]


@helper
def add_products(gathered, transposed, sums, block, blocks, rows, count):
    """sums[f, ROWS * (block + i) ...] += gathered[ROWS * i ...] x transposed[f], for i < blocks.

    gathered: (taps, columns).  transposed: (filter blocks, columns, filters of a block), `rows`
    filters in all.  count: the columns that are summed.
    """
    item, width, pitch = gathered.itemsize, transposed.shape[2], gathered.shape[1]
    for filter_block in range(transposed.shape[0]):
        b, c = address(transposed[filter_block]), address(sums[filter_block])
        vectors = kernel_ceil_div(min(width, rows - filter_block * width) * item, VECTOR_BYTES)
        for i in range(blocks):
            a = address(gathered) + i * ROWS * pitch * item
            to = c + (block + i) * ROWS * width * item
            block_product(gathered, a, UNIT, pitch, b, to, width, count, vectors, 1)


@helper
def _add_chunk(
    x, dy, group, window, columns_x, columns, first, count, table, gathered, transposed, sums
):
    """sums += the products over columns [first, first + count), in a group."""
    groups, size, stride, padding, filters = window
    channels, cases = x.shape[0] // groups, x.shape[3]
    transpose(dy, group * filters, filters, columns, first, count, transposed)
    runs = list_runs(table, first, count, columns_x, cases, stride, padding)
    bounds, layout = taps_inside(table, runs, x, size), (gathered.shape[1], gathered.shape[1], 0)
    taps = size * size * channels
    for start in range(0, taps, gathered.shape[0]):
        stop = min(start + gathered.shape[0], taps)
        low, high = shrink(bounds, start, stop, channels, size)
        if low >= high:
            continue
        low, high = low // ROWS * ROWS, min(stop, kernel_ceil_div(high, ROWS) * ROWS)
        gather(
            x, group * channels, channels, table, runs, size, low, high,
            address(gathered), layout,
        )  # fmt: skip
        blocks = kernel_ceil_div(high - low, ROWS)
        add_products(gathered, transposed, sums, low // ROWS, blocks, filters, count)


@exact
def sum_products(x, dy, sums, tables, gathered, transposed, window, columns_x):
    """sums = the products over each task's columns.

    sums: (groups, splits, filter blocks, taps, filters of a block).  dy: flat.
    window: (groups, size, stride, padding, filters of a group).
    columns_x: positions in a row of dy.
    """
    groups, splits, threads = sums.shape[0], sums.shape[1], tables.shape[0]
    columns, length = dy.size // (groups * window[4]), gathered.shape[2]
    chunks = kernel_ceil_div(columns, length)
    for thread in prange(threads):
        for task in range(thread, groups * splits, threads):
            group, split = task // splits, task % splits
            own = sums[group, split]
            zero_bytes(address(own), own.size * x.itemsize)
            for chunk in range(chunks * split // splits, chunks * (split + 1) // splits):
                first = chunk * length
                _add_chunk(
                    x, dy, group, window, columns_x, columns, first,
                    min(length, columns - first), tables[thread], gathered[thread],
                    transposed[thread], own,
                )  # fmt: skip


@exact
def collect_sums(sums, dw, accumulate):
    """dw (C, K, K, F) (+)= the sums of all tasks."""
    channels, size, filters = dw.shape[0], dw.shape[1], dw.shape[3] // sums.shape[0]
    splits, width = sums.shape[1], sums.shape[4]
    for c in prange(channels):
        for place in range(size * size):
            target = dw[c, place // size, place % size]
            tap = place * channels + c
            for group in range(sums.shape[0]):
                for f in range(filters):
                    total = sums[group, 0, f // width, tap, f % width]
                    for split in range(1, splits):
                        total += sums[group, split, f // width, tap, f % width]
                    if accumulate:
                        total += target[group * filters + f]
                    target[group * filters + f] = total
