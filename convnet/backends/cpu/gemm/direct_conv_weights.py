"""The weight gradient of a convolution as a matrix product over outputs.

dw[tap, filter] = sum over columns (position, case) of pixel[tap, column] * dy[filter, column].
A chunk of columns at a time, the pixels are gathered as in the forward pass and dy is transposed,
so that the filters fill the vectors.  The columns are shared out among independent tasks with sums
of their own, which are added at the end in a fixed order.
"""

import numpy as np
from numba import prange

from convnet.backends.cpu.gemm.direct_conv import row_blocks
from convnet.backends.cpu.gemm.im2col import PIECE, gather, list_pieces, shrink, taps_inside
from convnet.backends.cpu.jit import exact, piece
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

_NARROW = BLOCK_BYTES <= 64
CHUNK = 256 if _NARROW else 192  # columns of a pass: a block of dy stays in the first-level cache
TAPS = (64 if _NARROW else 128) * ROWS  # gathered at a time: they stay in the second-level cache
_PARTIAL_BYTES = 2**26  # limit of the sums of all tasks together


def weight_parts(threads, dw_shape, columns, groups, dtype) -> list:
    """Scratch: sums of each task, then for each thread a table, gathered pixels, transposed dy."""
    channels, size, _, filters = dw_shape
    width, blocks = block_columns(dtype), row_blocks(channels * size * size)
    filter_blocks = -(-(filters // groups) // width)
    group_bytes = filter_blocks * blocks * ROWS * width * dtype.itemsize
    splits = min(
        -(-threads // groups), -(-columns // CHUNK), _PARTIAL_BYTES // (groups * group_bytes)
    )
    return [
        ((groups, max(1, splits), filter_blocks, blocks * ROWS, width), dtype),
        ((threads, CHUNK, PIECE), np.int64),
        ((threads, TAPS, CHUNK), dtype),
        ((threads, filter_blocks, CHUNK, width), dtype),
    ]


@piece
def transpose(dy, row, rows, columns, first, count, target):
    """target[block, column, f] = dy[row + f, first + column] of flat dy (all rows, columns)."""
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


@piece
def add_products(gathered, turned, sums, block, blocks, rows, count):
    """sums[f block, ROWS * (block + i)...] += gathered[ROWS * i...] . turned[f block], i < blocks.

    `gathered` is (taps, columns), `turned` (filter blocks, columns, filters), `rows` filters.
    """
    item, width, pitch = gathered.itemsize, turned.shape[2], gathered.shape[1]
    for filter_block in range(turned.shape[0]):
        b, c = address(turned[filter_block]), address(sums[filter_block])
        vectors = -(-min(width, rows - filter_block * width) * item // VECTOR_BYTES)
        for i in range(blocks):
            a = address(gathered) + i * ROWS * pitch * item
            to = c + (block + i) * ROWS * width * item
            block_product(gathered, a, UNIT, pitch, b, to, width, count, vectors, 1)


@piece
def _add_chunk(
    x, dy, group, window, columns_x, columns, first, count, table, gathered, turned, sums
):
    groups, size, stride, padding, filters = window
    channels, cases = x.shape[0] // groups, x.shape[3]
    transpose(dy, group * filters, filters, columns, first, count, turned)
    pieces = list_pieces(table, first, count, columns_x, cases, stride, padding)
    bounds, layout = taps_inside(table, pieces, x, size), (gathered.shape[1], gathered.shape[1], 0)
    taps = size * size * channels
    for start in range(0, taps, gathered.shape[0]):
        stop = min(start + gathered.shape[0], taps)
        low, high = shrink(bounds, start, stop, channels, size)
        if low >= high:
            continue
        low, high = low // ROWS * ROWS, min(stop, -(-high // ROWS) * ROWS)  # whole blocks of rows
        gather(
            x, group * channels, channels, table, pieces, size, low, high,
            address(gathered), layout,
        )  # fmt: skip
        blocks = -(-(high - low) // ROWS)
        add_products(gathered, turned, sums, low // ROWS, blocks, filters, count)


@exact
def sum_products(x, dy, sums, tables, gathered, turned, window, columns_x):
    """Fill `sums`; dy is flat, window = (groups, size, stride, padding, filters of a group)."""
    groups, splits, threads = sums.shape[0], sums.shape[1], tables.shape[0]
    columns, length = dy.size // (groups * window[4]), gathered.shape[2]
    chunks = -(-columns // length)
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
                    turned[thread], own,
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
