"""Convolution with 3x3 filters at stride 1 by Winograd's transforms: conv.forward and images_grad.

A matrix product for each of 16 points of a tile: (rows of filters) x (channels) times (channels) x
(columns), where a column is a tile of 2x2 outputs of one case.  A task takes some columns through
all stages: pixels gathered, transformed, multiplied, transformed back and stored.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from convnet.backends.cpu.correlate import row_blocks
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    PACKED,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    block_product,
)
from convnet.backends.cpu.store import store_pixels
from convnet.backends.cpu.windows import PIECE, gather, list_pieces
from convnet.backends.cpu.winograd_tiles import POINTS, filter_tile, input_tile, output_tile

LEAST = 16  # channels and filters of a group for which the transforms pay
TILES = max(4, 512 // BLOCK_BYTES)  # blocks of columns of a task
GATHERED = 8  # channels gathered at a time
_SPAN = 256  # channels of a product that stay in the first-level cache
_FILTER_BYTES = 3 * 2**16  # of blocks of filters that stay in the second-level cache


def fits(channels: int, size: int, filters: int, stride: int) -> bool:
    """Whether a convolution is of this kind; channels and filters of a group."""
    return size == 3 and stride == 1 and min(channels, filters) >= LEAST


class Sizes(NamedTuple):
    """Of a product, as it sees them: channels that are summed, rows that come out."""

    channels: int
    rows: int
    groups: int
    columns: int


def sizes(channels: int, rows: int, groups: int, shape) -> Sizes:
    """Of a product that makes an image of `shape` (C, H, W, N)."""
    _, height, width, cases = shape
    return Sizes(channels, rows, groups, (height + 1) // 2 * ((width + 1) // 2) * cases)


def tiles_per_task(columns, dtype, threads) -> int:
    """Blocks of columns: fewer where there are not enough for all threads."""
    return max(1, min(TILES, columns // (8 * threads * block_columns(dtype))))


def parts(threads, sizes: Sizes, dtype) -> list:
    """Scratch: packed filters; for each thread a table, pixels, points, products, outputs.

    Rows and planes are an odd number of cache lines apart, so that they do not share cache sets.
    """
    width, blocks = block_columns(dtype), row_blocks(sizes.rows)
    tiles = tiles_per_task(sizes.columns, dtype, threads)
    pitch = (tiles + 1) * width
    return [
        ((sizes.groups, POINTS, blocks, sizes.channels, ROWS), dtype),
        ((threads, tiles * width, PIECE), np.int64),
        ((threads, POINTS * GATHERED, pitch), dtype),
        ((threads, POINTS * tiles * (sizes.channels + 1) * width + POINTS * width), dtype),
        ((threads, POINTS * (blocks * ROWS * pitch + width)), dtype),
        ((threads, 4, tiles * width), dtype),
    ]


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def pack(w, packed, rows_are_channels):
    """Transform filters w (C, 3, 3, F) and pack them: (groups, points, blocks, summed, ROWS).

    Rows are filters and channels are summed, or the other way round with the filter turned by half
    a turn.  Rows beyond the last are not written: nobody reads what they make.
    """
    groups, filters = packed.shape[0], w.shape[3] // packed.shape[0]
    for task in prange(groups * w.shape[0]):
        group, c = task // w.shape[0], task % w.shape[0]
        width = BLOCK_BYTES // w.itemsize
        tile, points = np.zeros((9, width), w.dtype), np.empty((POINTS, width), w.dtype)
        for first in range(0, filters, width):
            count = min(width, filters - first)
            for k in range(9):
                from_k = 8 - k if rows_are_channels else k
                source = w[c, from_k // 3, from_k % 3, group * filters + first :]
                for f in range(count):
                    tile[k, f] = source[f]
            filter_tile(w, address(tile), width, address(points), width)
            for p in range(POINTS):
                for f in range(count):
                    row, term = (c, first + f) if rows_are_channels else (first + f, c)
                    packed[group, p, row // ROWS, term, row % ROWS] = points[p, f]


@njit(cache=True, nogil=True)
def transform_pixels(
    x, channel, channels, table, pieces, pixels, points, plane, panel, row
):  # fmt: skip
    """points[p * plane + block * panel + c * row + column] = channel c's tiles transformed."""
    item, pitch = x.itemsize, pixels.shape[1]
    width = BLOCK_BYTES // item
    tiles = pitch // width - 1
    for start in range(0, channels, GATHERED):
        count = min(GATHERED, channels - start)
        gather(
            x, channel + start, count, table, pieces, 4, 0, POINTS * count,
            address(pixels), (pitch, pitch, 0),
        )  # fmt: skip
        for c in range(count):
            source = address(pixels) + c * pitch * item
            target = points + (start + c) * row * item
            for tile in range(tiles):
                input_tile(
                    x, source + tile * BLOCK_BYTES, count * pitch, target + tile * panel * item,
                    plane,
                )  # fmt: skip


@njit(cache=True, nogil=True)
def _multiply(packed, points, plane, panel, products, out_plane, pitch, count):
    """products[p, row, column] = packed filters x points, for each of the points of a tile."""
    item = packed.itemsize
    width, blocks, channels = BLOCK_BYTES // item, packed.shape[1], packed.shape[2]
    together = max(1, _FILTER_BYTES // (channels * ROWS * item))
    for task in range(POINTS * -(-blocks // together)):
        p, start = task % POINTS, task // POINTS * together
        for first in range(0, count, width):
            vectors = -(-min(width, count - first) * item // VECTOR_BYTES)
            b = points + (p * plane + first // width * panel) * item
            c = products + (p * out_plane + first) * item
            for block in range(start, min(start + together, blocks)):
                to = c + block * ROWS * pitch * item
                for term in range(0, channels, _SPAN):
                    block_product(
                        packed, address(packed[p, block, term]), PACKED, UNIT,
                        b + term * width * item, to, pitch, min(_SPAN, channels - term), vectors,
                        term,
                    )  # fmt: skip


@njit(cache=True, nogil=True)
def _store(
    products, plane, pitch, rows, outputs, y, shape, channel, first, count, side, accumulate, finish
):  # fmt: skip
    """The tiles of outputs of each row go to their pixels of y."""
    item = outputs.itemsize
    for row in range(rows):
        for tile in range(0, count * item, BLOCK_BYTES):
            source = products + row * pitch * item + tile
            output_tile(outputs, source, plane, address(outputs) + tile, outputs.shape[1])
        place = side, 2, 0
        store_pixels(
            outputs, y, shape, channel + row, 4, first, count, place, accumulate, finish
        )  # fmt: skip


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def correlate(x, packed, y, shape, tables, pixels, points, products, outputs, window, finish):
    """y (+)= filters * x.  y is flat, of `shape`; window = (padding, rows, tiles, accumulate)."""
    padding, rows, tiles, accumulate = window
    groups, blocks, channels = packed.shape[0], packed.shape[2], packed.shape[3]
    cases, side, pitch = x.shape[3], (shape[2] + 1) // 2, pixels.shape[2]
    width, columns = BLOCK_BYTES // x.itemsize, (shape[1] + 1) // 2 * side * cases
    panel = (channels + 1) * width
    plane, out_plane = tiles * panel + width, blocks * ROWS * pitch + width
    group_tasks = -(-columns // (tiles * width))
    threads = tables.shape[0]
    for thread in prange(threads):
        table, out = tables[thread], address(products[thread])
        tasks = groups * group_tasks
        for task in range(tasks * thread // threads, tasks * (thread + 1) // threads):
            group, first = task // group_tasks, task % group_tasks * tiles * width
            count = min(tiles * width, columns - first)
            pieces = list_pieces(table, first, count, side, cases, 2, padding)
            transform_pixels(
                x, group * channels, channels, table, pieces, pixels[thread],
                address(points[thread]), plane, panel, width,
            )  # fmt: skip
            _multiply(
                packed[group], address(points[thread]), plane, panel, out, out_plane, pitch, count
            )  # fmt: skip
            _store(
                out, out_plane, pitch, rows, outputs[thread], y, shape, group * rows, first, count,
                side, accumulate, finish,
            )  # fmt: skip


def run(x, w, y, padding, groups, accumulate, finish, arrays, turned):
    """y (+)= the correlation of x with w (C, 3, 3, F), or with its filters turned, summed over F.

    arrays: scratch as of `parts`.
    """
    packed, *own = arrays
    rows = w.shape[0] if turned else w.shape[3] // groups
    pack(w, packed, turned)
    tiles = own[0].shape[1] // block_columns(x.dtype)
    window = padding, rows, tiles, accumulate
    correlate(x, packed, y.reshape(-1), y.shape, *own, window, finish)
