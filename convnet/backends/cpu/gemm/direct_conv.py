"""Correlation of an image with packed filters: the engine under conv.forward and images_grad.

A matrix product (rows of filters) x (taps) times (taps) x (columns) whose right-hand side is
gathered tile by tile and never exists as a whole.  The product of a tile stays in a block of
scratch, in cache, until it is complete; only then is the output touched.

Packed filters: for each group, each span of taps and each block of ROWS rows, (taps, ROWS).
"""

import numpy as np
from numba import prange

from convnet.backends.cpu.gemm.im2col import PIECE, gather, list_pieces, shrink, taps_inside
from convnet.backends.cpu.gemm.store import store_pixels, store_rows
from convnet.backends.cpu.jit import exact, piece
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    PACKED,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    block_product,
    zero_bytes,
)

# Taps of a tile that fit the first-level cache together with a block of filters.
_SPAN = 160 if BLOCK_BYTES > 64 else 256
_TILES = max(4, 512 // BLOCK_BYTES)  # tiles of one task: their pixels are gathered in long rows
_RESULT_BYTES = 2**18  # of one task's results, in the second-level cache


def row_blocks(rows) -> int:
    """Blocks of ROWS rows, the last one padded."""
    return -(-rows // ROWS)


def spans_of(channels, size) -> tuple[int, int, int]:
    """Cut the taps, order (r, s, channel), into equal spans: (unit, spans of a unit, span length).

    A unit is the taps of one (r, s), of one r, or all of them: the smallest that is worth a pass.
    A span of few (r, s) is skipped as a whole where the window hangs over the border.
    """
    units = (channels, size * channels, size * size * channels)
    unit = next((n for n in units if n > _SPAN // 2), units[-1])
    parts = -(-unit // _SPAN)
    return unit, parts, -(-unit // parts)


def span_count(channels, size) -> int:
    """Number of spans of `spans_of`."""
    unit, parts, _ = spans_of(channels, size)
    return size * size * channels // unit * parts


@piece
def span_range(number, spans):
    """First tap and end of a span."""
    unit, parts, length = spans
    start = number // parts * unit + number % parts * length
    return start, min(start + length, (number // parts + 1) * unit)


def _most_tiles(rows, dtype) -> int:
    tile_bytes = row_blocks(rows) * ROWS * block_columns(dtype) * dtype.itemsize
    return max(1, min(_TILES, _RESULT_BYTES // tile_bytes))


def tiles_per_task(columns, rows, dtype, threads) -> int:
    """Fewer tiles for each task when there are not enough to keep all threads busy."""
    tiles = -(-columns // block_columns(dtype))
    return max(1, min(_most_tiles(rows, dtype), tiles // (4 * threads)))


def thread_parts(threads, rows, dtype) -> list:
    """Scratch of `correlate` beside the packed filters: tables, gathered taps, results."""
    width, tiles = block_columns(dtype), _most_tiles(rows, dtype)
    return [
        ((threads, tiles * width, PIECE), np.int64),
        ((threads, tiles, _SPAN + 1, width), dtype),  # panels an odd number of lines apart
        ((threads, row_blocks(rows) * ROWS, tiles * width), dtype),
    ]


@piece
def share(tasks, thread, threads):
    """First task and end of a thread's share."""
    return tasks * thread // threads, tasks * (thread + 1) // threads


@piece
def _multiply(filters, step, used, gathered, results, taps, count, adds):
    """results (+)= one span's filters, from an address on, x the taps of all tiles.

    step: scalars from one block of filters to the next.  Blocks that are not used stay.
    """
    item, width, pitch = results.itemsize, gathered.shape[2], results.shape[1]
    for first in range(0, count, width):
        b, c = address(gathered[first // width]), address(results) + first * item
        vectors = -(-min(width, count - first) * item // VECTOR_BYTES)
        for block in range(used.size):
            if used[block]:
                a, to = filters + block * step * item, c + block * ROWS * pitch * item
                block_product(gathered, a, PACKED, UNIT, b, to, pitch, taps, vectors, adds)


@piece
def _all(used):
    for block in range(used.size):
        if not used[block]:
            return False
    return True


@piece
def _add_spans(x, channel, filters, used, table, columns, gathered, results, window, spans):
    """results = all taps of a task's columns; filters: address; columns = (first, count, row)."""
    groups, size, stride, padding = window
    first, count, positions_x = columns
    channels, width, item = x.shape[0] // groups, gathered.shape[2], x.itemsize
    pieces = list_pieces(table, first, count, positions_x, x.shape[3], stride, padding)
    inside = taps_inside(table, pieces, x, size)
    layout = width, width, gathered.shape[1] * width
    adds = 0
    for number in range(used.shape[0]):
        start, stop = span_range(number, spans)
        low, high = shrink(inside, start, stop, channels, size)
        if low < high:
            gather(
                x, channel, channels, table, pieces, size, low, high, address(gathered), layout
            )  # fmt: skip
            if not adds and not _all(used[number]):
                adds = 1
                zero_bytes(address(results), results.size * item)
            block = filters + (start * results.shape[0] + (low - start) * ROWS) * item
            _multiply(
                block, (stop - start) * ROWS, used[number], gathered, results, high - low, count,
                adds,
            )  # fmt: skip
            adds = 1
    if not adds:
        zero_bytes(address(results), results.size * item)


@exact
def correlate(
    x, filters, used, y, tables, gathered, results, window, spans, output, task_tiles, accumulate,
    finish,
):  # fmt: skip
    """y (+)= filters * x; see the callers in conv.py for the two ways it is used.

    window = (groups, size, stride, padding); output = (shape of y, (positions y, positions x),
    rows of a group, phases, origin): with phases 1 the rows are y's channels, otherwise see
    `store_pixels`.  used[g, span, block] is 0 where a block of filters is zero.
    """
    shape, positions, rows, phases, origin = output
    groups, threads, step = window[0], tables.shape[0], task_tiles * gathered.shape[3]
    columns = positions[0] * positions[1] * x.shape[3]
    tasks, panel = -(-columns // step), filters.size // groups * x.itemsize
    for thread in prange(threads):
        table, result = tables[thread], results[thread]
        begin, end = share(groups * tasks, thread, threads)
        for task in range(begin, end):
            group, first = task // tasks, task % tasks * step
            count = min(step, columns - first)
            _add_spans(
                x, group * (x.shape[0] // groups), address(filters) + group * panel, used[group],
                table, (first, count, positions[1]), gathered[thread], result, window, spans,
            )  # fmt: skip
            if phases == 1:
                store_rows(
                    result, y, columns, group * rows, rows, first, count, accumulate, finish
                )  # fmt: skip
            else:
                channel, place = group * (shape[0] // groups), (positions[1], phases, origin)
                store_pixels(
                    result, y, shape, channel, rows, first, count, place, accumulate, finish
                )  # fmt: skip
