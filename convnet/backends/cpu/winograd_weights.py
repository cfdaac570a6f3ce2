"""The weight gradient of 3x3 and 5x5 filters at stride 1, by Winograd's transforms.

For each point of a tile a matrix product: (channels) x (columns) times (columns) x
(filters), where a column is a tile of outputs of one case.  The work is shared out by channels,
so that sums have the same order whatever the number of threads.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from convnet.backends.cpu.correlate import row_blocks
from convnet.backends.cpu.microkernel import (
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    block_product,
    transpose_square,
    zero_bytes,
)
from convnet.backends.cpu.windows import PIECE, gather, list_pieces
from convnet.backends.cpu.winograd import GATHERED, TILES, transform_pixels
from convnet.backends.cpu.winograd_tiles import POINTS, collect_tile, outputs_of, spread_tile


class Layout(NamedTuple):
    """Scalars from one row, point, ... to the next, as kernels need them."""

    pitch: int  # of a row of pixels or points
    plane: int  # of points of x
    spread: int  # of points of dy
    columns: int  # of a pass


def layout_of(channels, filters, splits, dtype) -> Layout:
    """Planes are an odd number of cache lines apart, so that they do not share cache sets."""
    width = block_columns(dtype)
    columns, pitch = TILES * width, (TILES + 1) * width
    plane = _part_blocks(channels, splits) * ROWS * pitch + width
    return Layout(pitch, plane, -(-filters // width) * columns * width + width, columns)


def _part_blocks(channels, splits) -> int:
    return -(-row_blocks(channels) // splits)


def _splits(threads, channels, groups) -> int:
    """Parts of the channels of a group: each at least two blocks of rows."""
    return max(1, min(-(-threads // groups), row_blocks(channels) // 2))


def parts(threads, dw_shape, groups, dtype) -> list:
    """Scratch: sums of parts; for each thread a table, pixels, points of x, dy, points of dy."""
    channels, filters, width = dw_shape[0], dw_shape[3] // groups, block_columns(dtype)
    splits = _splits(threads, channels, groups)
    sizes, filter_blocks = layout_of(channels, filters, splits, dtype), -(-filters // width)
    rows, outputs = _part_blocks(channels, splits) * ROWS, outputs_of(dw_shape[1]) ** 2
    return [
        ((groups * splits, POINTS, filter_blocks, rows, width), dtype),
        ((threads, sizes.columns, PIECE), np.int64),
        ((threads, max(POINTS * GATHERED, outputs * width), sizes.pitch), dtype),
        ((threads, POINTS * sizes.plane), dtype),
        ((threads, outputs, sizes.columns, width), dtype),
        ((threads, POINTS * sizes.spread), dtype),
    ]


@njit(cache=True, nogil=True)
def _spread_gradients(
    dy, size, first_filter, filters, table, pieces, count, pixels, turned, out, step
):  # fmt: skip
    """out[p * step + (block * columns + column) * width + f] = points of dy's tiles."""
    item, pitch, columns, width = dy.itemsize, pixels.shape[1], turned.shape[1], turned.shape[2]
    lanes, side = VECTOR_BYTES // item, outputs_of(size)
    for start in range(0, filters, width):
        rows = min(width, filters - start)
        gather(
            dy, first_filter + start, rows, table, pieces, side, 0, side * side * rows,
            address(pixels), (pitch, pitch, 0),
        )  # fmt: skip
        for k in range(side * side):
            for f in range(0, rows, lanes):
                for j in range(0, count, lanes):
                    source = address(pixels) + ((k * rows + f) * pitch + j) * item
                    target = address(turned) + ((k * columns + j) * width + f) * item
                    transpose_square(dy, source, pitch, target, width)
        for column in range(count):
            source = address(turned) + column * width * item
            target = out + (start * columns + column * width) * item
            spread_tile(dy, size, source, columns * width, target, step)


@njit(cache=True, nogil=True)
def _multiply(like, points, spread, layout, sums, filters, count):
    """sums[p, f block, channel] += points of x . points of dy, over `count` columns."""
    pitch, plane, step, columns = layout
    item, width = like.itemsize, sums.shape[3]
    for p in range(POINTS):
        for block in range(sums.shape[1]):
            vectors = -(-min(width, filters - block * width) * item // VECTOR_BYTES)
            b = spread + (p * step + block * columns * width) * item
            for row in range(0, sums.shape[2], ROWS):
                a = points + (p * plane + row * pitch) * item
                c = address(sums[p, block, row])
                block_product(like, a, UNIT, pitch, b, c, width, count, vectors, 1)


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def sum_products(x, dy, sums, tables, pixels, points, turned, spreads, layout, window):
    """Fill `sums`.  window = (groups, filter size, padding)."""
    groups, size, padding = window
    side = outputs_of(size)
    filters, channels, cases = dy.shape[0] // groups, x.shape[0] // groups, x.shape[3]
    columns_x, tasks, threads = -(-dy.shape[2] // side), sums.shape[0], tables.shape[0]
    columns, part = -(-dy.shape[1] // side) * columns_x * cases, sums.shape[3]
    for thread in prange(threads):
        table, own = tables[thread], pixels[thread]
        out, spread = address(points[thread]), address(spreads[thread])
        for task in range(thread, tasks, threads):
            group, start = task * groups // tasks, task % (tasks // groups) * part
            rows = min(part, channels - start)
            zero_bytes(address(sums[task]), sums[task].size * x.itemsize)
            for first in range(0, columns, layout[3]):
                count = min(layout[3], columns - first)
                pieces = list_pieces(table, first, count, columns_x, cases, side, padding)
                transform_pixels(
                    x, group * channels + start, rows, table, pieces, own, out, layout[1],
                    sums.shape[4], layout[0],
                )  # fmt: skip
                pieces = list_pieces(table, first, count, columns_x, cases, side, 0)
                _spread_gradients(
                    dy, size, group * filters, filters, table, pieces, count, own, turned[thread],
                    spread, layout[2],
                )  # fmt: skip
                _multiply(x, out, spread, layout, sums[task], filters, count)


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def collect_sums(sums, dw, groups, accumulate):
    """dw (C, K, K, F) (+)= the sums transformed back."""
    channels, filters = dw.shape[0], dw.shape[3] // groups
    splits, part, width = sums.shape[0] // groups, sums.shape[3], sums.shape[4]
    step, size = sums.shape[2] * part * width, dw.shape[1]
    for c in prange(channels):
        tile = np.empty((size * size, width), dw.dtype)
        for group in range(groups):
            own = sums[group * splits + c // part]
            for first in range(0, filters, width):
                source = address(own[0, first // width, c % part])
                collect_tile(dw, size, source, step, address(tile), width)
                for k in range(size * size):
                    target = dw[c, k // size, k % size, group * filters + first :]
                    for f in range(min(width, filters - first)):
                        target[f] = target[f] + tile[k, f] if accumulate else tile[k, f]


def run(x, dy, dw, padding, groups, accumulate, arrays):
    """dw (+)= the gradient of w.  arrays: scratch as of `parts`."""
    sums, *own = arrays
    splits = sums.shape[0] // groups
    sizes = layout_of(dw.shape[0], dw.shape[3] // groups, splits, x.dtype)
    sum_products(x, dy, sums, *own, sizes, (groups, dw.shape[1], padding))
    collect_sums(sums, dw, groups, accumulate)
