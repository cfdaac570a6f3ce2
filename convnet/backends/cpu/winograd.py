"""Convolution with 3x3 and 5x5 filters at stride 1 by Winograd's transforms: forward, images_grad.

A matrix product for each point of a tile: (rows of filters) x (channels) times (channels) x
(columns), where a column is a tile of 4x4 or 2x2 outputs of one case.  A task takes some columns
through all stages: pixels gathered, transformed, multiplied, transformed back and stored.
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
from convnet.backends.cpu.winograd_tiles import (
    POINTS,
    SIDE,
    SIZES,
    filter_tile,
    input_tile,
    output_tile,
    outputs_of,
)

LEAST = 16  # channels and filters of a group for which the transforms pay
GATHERED = 8  # channels gathered at a time
TILES = 4  # blocks of columns of a task
_TOGETHER = 4  # blocks of rows whose products are stored before the next are made
_SPAN = 256  # channels of a product that stay in the first-level cache


def fits(w_shape, groups: int, stride: int, outputs) -> bool:
    """Whether a convolution that makes images of shape `outputs` (C, H, W, N) is of this kind."""
    channels, size, _, filters = w_shape
    if size not in SIZES or stride != 1 or min(channels, filters // groups) < LEAST:
        return False
    _, height, width, _ = outputs
    return 2 * POINTS * tile_count(height, width, size) <= size * size * height * width


def tile_count(height: int, width: int, size: int) -> int:
    """Tiles of an image of outputs."""
    side = outputs_of(size)
    return -(-height // side) * -(-width // side)


class Sizes(NamedTuple):
    """Of a product, as it sees them: channels that are summed, rows that come out."""

    size: int
    channels: int
    rows: int
    groups: int
    columns: int


def sizes(size: int, channels: int, rows: int, groups: int, shape) -> Sizes:
    """Of a product that makes an image of `shape` (C, H, W, N)."""
    _, height, width, cases = shape
    return Sizes(size, channels, rows, groups, tile_count(height, width, size) * cases)


def tiles_per_task(columns, dtype, threads) -> int:
    """Blocks of columns: fewer where there are not enough for all threads."""
    return max(1, min(TILES, columns // (8 * threads * block_columns(dtype))))


def parts(threads, sizes: Sizes, dtype) -> list:
    """Scratch: packed filters; for each thread a table, pixels, points, products, outputs.

    Rows and planes are an odd number of cache lines apart, so that they do not share cache sets.
    """
    width, blocks = block_columns(dtype), row_blocks(sizes.rows)
    together = min(_TOGETHER, blocks)
    tiles = tiles_per_task(sizes.columns, dtype, threads)
    pitch = (tiles + 1) * width
    return [
        ((sizes.groups, POINTS, blocks, sizes.channels, ROWS), dtype),
        ((threads, tiles * width, PIECE), np.int64),
        ((threads, POINTS * GATHERED, pitch), dtype),
        ((threads, POINTS * tiles * (sizes.channels + 1) * width + POINTS * width), dtype),
        ((threads, POINTS * (together * ROWS * pitch + width)), dtype),
        ((threads, outputs_of(sizes.size) ** 2, tiles * width), dtype),
    ]


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def pack(w, packed, rows_are_channels):
    """Transform filters w (C, K, K, F) and pack them: (groups, points, blocks, summed, ROWS).

    Rows are filters and channels are summed, or the other way round with the filter turned by half
    a turn.  Rows beyond the last are not written: nobody reads what they make.
    """
    groups, filters = packed.shape[0], w.shape[3] // packed.shape[0]
    size = w.shape[1]
    taps = size * size
    for task in prange(groups * w.shape[0]):
        group, c = task // w.shape[0], task % w.shape[0]
        width = BLOCK_BYTES // w.itemsize
        tile, points = np.zeros((taps, width), w.dtype), np.empty((POINTS, width), w.dtype)
        for first in range(0, filters, width):
            count = min(width, filters - first)
            for k in range(taps):
                tap = taps - 1 - k if rows_are_channels else k
                source = w[c, tap // size, tap % size, group * filters + first :]
                for f in range(count):
                    tile[k, f] = source[f]
            filter_tile(w, size, address(tile), width, address(points), width)
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
            x, channel + start, count, table, pieces, SIDE, 0, POINTS * count,
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
def _multiply(packed, start, stop, points, plane, panel, products, out_plane, pitch, count):
    """products[p, row, column] = packed filters x points, for each of the points of a tile.

    Of the blocks of rows from `start` to `stop`.
    """
    item = packed.itemsize
    width, channels = BLOCK_BYTES // item, packed.shape[2]
    for p in range(POINTS):
        for first in range(0, count, width):
            vectors = -(-min(width, count - first) * item // VECTOR_BYTES)
            b = points + (p * plane + first // width * panel) * item
            c = products + (p * out_plane + first) * item
            for block in range(start, stop):
                to = c + (block - start) * ROWS * pitch * item
                for term in range(0, channels, _SPAN):
                    block_product(
                        packed, address(packed[p, block, term]), PACKED, UNIT,
                        b + term * width * item, to, pitch, min(_SPAN, channels - term), vectors,
                        term,
                    )  # fmt: skip


@njit(cache=True, nogil=True)
def _store(
    size, products, plane, pitch, rows, outputs, y, shape, channel, first, count, columns_x,
    accumulate, finish,
):  # fmt: skip
    """The tiles of outputs of each row go to their pixels of y."""
    item, side = outputs.itemsize, outputs_of(size)
    for row in range(rows):
        for tile in range(0, count * item, BLOCK_BYTES):
            source = products + row * pitch * item + tile
            output_tile(outputs, size, source, plane, address(outputs) + tile, outputs.shape[1])
        place = columns_x, side, 0
        store_pixels(
            outputs, y, shape, channel + row, side * side, first, count, place, accumulate, finish
        )  # fmt: skip


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def correlate(x, packed, y, shape, tables, pixels, points, products, outputs, window, finish):
    """y (+)= filters * x.  y is flat, of `shape`.

    window = (size, padding, rows, tiles, together, accumulate).
    """
    size, padding, rows, tiles, together, accumulate = window
    side = outputs_of(size)
    groups, blocks, channels = packed.shape[0], packed.shape[2], packed.shape[3]
    cases, columns_x, pitch = x.shape[3], -(-shape[2] // side), pixels.shape[2]
    width, columns = BLOCK_BYTES // x.itemsize, -(-shape[1] // side) * columns_x * cases
    panel = (channels + 1) * width
    plane, out_plane = tiles * panel + width, together * ROWS * pitch + width
    group_tasks = -(-columns // (tiles * width))
    threads = tables.shape[0]
    for thread in prange(threads):
        table, out = tables[thread], address(products[thread])
        tasks = groups * group_tasks
        for task in range(tasks * thread // threads, tasks * (thread + 1) // threads):
            group, first = task // group_tasks, task % group_tasks * tiles * width
            count = min(tiles * width, columns - first)
            pieces = list_pieces(table, first, count, columns_x, cases, side, padding)
            transform_pixels(
                x, group * channels, channels, table, pieces, pixels[thread],
                address(points[thread]), plane, panel, width,
            )  # fmt: skip
            for start in range(0, blocks, together):
                stop, row = min(start + together, blocks), start * ROWS
                _multiply(
                    packed[group], start, stop, address(points[thread]), plane, panel, out,
                    out_plane, pitch, count,
                )  # fmt: skip
                _store(
                    size, out, out_plane, pitch, min(rows, stop * ROWS) - row, outputs[thread], y,
                    shape, group * rows + row, first, count, columns_x, accumulate, finish,
                )  # fmt: skip


def run(x, w, y, padding, groups, accumulate, finish, arrays, turned):
    """y (+)= the correlation of x with w (C, K, K, F), or with its filters turned, summed over F.

    arrays: scratch as of `parts`.
    """
    packed, *own = arrays
    rows = w.shape[0] if turned else w.shape[3] // groups
    pack(w, packed, turned)
    tiles = own[0].shape[1] // block_columns(x.dtype)
    window = w.shape[1], padding, rows, tiles, min(_TOGETHER, packed.shape[2]), accumulate
    correlate(x, packed, y.reshape(-1), y.shape, *own, window, finish)
