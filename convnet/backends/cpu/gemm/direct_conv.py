"""Correlation of an image with packed filters: the direct form of conv.forward and images_grad.

It is a matrix product, (rows of filters, taps) x (taps, columns), whose right-hand side is gathered
tile by tile (im2col.py) and never exists as a whole.  The product of a tile stays in scratch, in
the cache, until all taps are summed; only then is it stored in the output.

The taps are split into spans.  Packed filters are an array (taps, ROWS) for each group, each span
of taps and each block of ROWS rows (pack_filters.py).
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.cpu.gemm.im2col import RUN_FIELDS, gather, list_runs, shrink, taps_inside
from convnet.backends.cpu.gemm.store import store_pixels, store_rows
from convnet.backends.cpu.jit import exact, helper, kernel_ceil_div
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    PACKED,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    block_product,
    prefetch_to_write,
    zero_bytes,
)
from convnet.backends.cpu.scratch import Parts
from convnet.compiling.nontemporal import STREAM_BYTES, fence

# Taps of a tile that fit the first-level cache together with a block of filters
_SPAN = 160 if BLOCK_BYTES > 64 else 256
_TILES = max(8, 512 // BLOCK_BYTES)  # tiles of a task: their pixels are gathered in long rows
_RESULT_BYTES = 2**18  # of the results of a task, in the second-level cache


class Spans(NamedTuple):
    """How the taps are split into spans: in units, each split into `parts` spans of `length`."""

    unit: int
    parts: int
    length: int  # the last span of a unit may be shorter


def row_blocks(rows: int) -> int:
    """Return the number of blocks of ROWS rows; the last one is padded."""
    return ceil_div(rows, ROWS)


def spans_of(channels: int, size: int) -> Spans:
    """Split the taps, in the order (r, s, channel), into spans of nearly equal length.

    A unit is the taps of one (r, s), of one r, or all of them: the smallest that is worth a pass.
    Where the window hangs over the border, a span of few (r, s) is skipped as a whole.
    """
    units = (channels, size * channels, size * size * channels)
    unit = next((n for n in units if n > _SPAN // 2), units[-1])
    parts = ceil_div(unit, _SPAN)
    return Spans(unit, parts, ceil_div(unit, parts))


def span_count(channels: int, size: int) -> int:
    """Return the number of spans of `spans_of`."""
    spans = spans_of(channels, size)
    return size * size * channels // spans.unit * spans.parts


@helper
def span_range(number, spans):
    """Return the first tap of a span, and its end."""
    unit, parts, length = spans
    start = number // parts * unit + number % parts * length
    return start, min(start + length, (number // parts + 1) * unit)


def _most_tiles(rows, dtype) -> int:
    tile_bytes = row_blocks(rows) * ROWS * block_columns(dtype) * dtype.itemsize
    return max(1, min(_TILES, _RESULT_BYTES // tile_bytes))


def columns_per_task(columns: int, rows: int, dtype: np.dtype, threads: int) -> int:
    """Return the columns of a task: whole tiles, or, where there are few, a thread's whole vectors.

    Each task reads all filters, so few columns are not split further than the threads need.
    """
    width, lanes = block_columns(dtype), VECTOR_BYTES // dtype.itemsize
    most, tiles = _most_tiles(rows, dtype), ceil_div(columns, width) // (4 * threads)
    if tiles > 1:
        return min(most, tiles) * width
    return min(most * width, ceil_div(ceil_div(columns, threads), lanes) * lanes)


def thread_parts(threads: int, rows: int, dtype: np.dtype) -> Parts:
    """Return the scratch of `correlate` for its threads: tables of runs, gathered taps, results."""
    width, tiles = block_columns(dtype), _most_tiles(rows, dtype)
    return [
        ((threads, tiles * width, RUN_FIELDS), np.int64),
        ((threads, tiles, _SPAN + 1, width), dtype),  # tiles are an odd number of rows apart
        ((threads, row_blocks(rows) * ROWS, tiles * width), dtype),
    ]


@helper
def part_range(count, part, parts):
    """Return the range [first, end) of one of `parts` nearly equal parts of `count` items."""
    return count * part // parts, count * (part + 1) // parts


@helper
def _multiply(filters, step, used, gathered, results, taps, count, adds, target):
    """results (+)= the filters of a span x the gathered taps of all tiles.

    filters: their address.  step: scalars from one block of filters to the next.  used: 0 for
    blocks of zeros, which are skipped.  target: where results will be stored, (address, bytes from
    one row to the next); it is prefetched meanwhile.
    """
    item, width, pitch = results.itemsize, gathered.shape[2], results.shape[1]
    place, down = target
    for first in range(0, count, width):
        b, c = address(gathered[first // width]), address(results) + first * item
        length = min(width, count - first) * item
        vectors = kernel_ceil_div(length, VECTOR_BYTES)
        for block in range(used.size):
            for row in range(block * ROWS, (block + 1) * ROWS if down else 0):
                prefetch_to_write(place + row * down + first * item, length)
            if used[block]:
                a, to = filters + block * step * item, c + block * ROWS * pitch * item
                block_product(gathered, a, PACKED, UNIT, b, to, pitch, taps, vectors, adds)


@helper
def _all(used):
    for block in range(used.size):
        if not used[block]:
            return False
    return True


@helper
def _add_spans(x, channel, filters, used, table, columns, gathered, results, window, spans, target):
    """results = the product for a task's columns, summed over all spans.

    filters: the address of the group's packed filters.  columns: (first, count, positions in a row
    of outputs).  window: see `correlate`.  target: see `_multiply`.
    """
    groups, size, stride, padding = window
    first, count, positions_x = columns
    channels, width, item = x.shape[0] // groups, gathered.shape[2], x.itemsize
    runs = list_runs(table, first, count, positions_x, x.shape[3], stride, padding)
    inside = taps_inside(table, runs, x, size)
    layout = width, width, gathered.shape[1] * width
    adds = 0
    for number in range(used.shape[0]):
        start, stop = span_range(number, spans)
        low, high = shrink(inside, start, stop, channels, size)
        if low < high:
            gather(
                x, channel, channels, table, runs, size, low, high, address(gathered), layout
            )  # fmt: skip
            if not adds and not _all(used[number]):
                adds = 1
                zero_bytes(address(results), results.size * item)
            block = filters + (start * results.shape[0] + (low - start) * ROWS) * item
            _multiply(
                block, (stop - start) * ROWS, used[number], gathered, results, high - low, count,
                adds, target if number == used.shape[0] - 1 else (0, 0),
            )  # fmt: skip
            adds = 1
    if not adds:
        zero_bytes(address(results), results.size * item)


@exact
def correlate(
    x, filters, used, y, tables, gathered, results, window, spans, output, step, accumulate,
    epilogue,
):  # fmt: skip
    """y (+)= filters * x, with the epilogue applied; ops/conv.py uses it in two ways.

    used: (groups, spans, blocks), 0 where a block of filters is zero.  y: flat.
    window: (groups, size, stride, padding).
    step: columns of a task.
    output: (shape of y, (positions y, positions x), rows of a group, phases, origin).  If phases is
    1 the rows are y's channels, otherwise see `store_pixels`.
    """
    shape, positions, rows, phases, origin = output
    groups, threads = window[0], tables.shape[0]
    columns = positions[0] * positions[1] * x.shape[3]
    tasks, panel = kernel_ceil_div(columns, step), filters.size // groups * x.itemsize
    whole = columns * x.itemsize % BLOCK_BYTES == 0 and address(y) % VECTOR_BYTES == 0
    large = y.size * y.itemsize >= STREAM_BYTES
    streams = phases == 1 and whole and large and not accumulate
    for thread in prange(threads):
        table, result = tables[thread], results[thread]
        begin, end = part_range(groups * tasks, thread, threads)
        for task in range(begin, end):
            group, first = task // tasks, task % tasks * step
            count, target = min(step, columns - first), (0, 0)
            if phases == 1 and not streams:
                place = address(y) + (group * rows * columns + first) * x.itemsize
                target = place, columns * x.itemsize
            _add_spans(
                x, group * (x.shape[0] // groups), address(filters) + group * panel, used[group],
                table, (first, count, positions[1]), gathered[thread], result, window, spans,
                target,
            )  # fmt: skip
            if phases == 1:
                store_rows(
                    result, y, columns, group * rows, rows, first, count, accumulate, epilogue,
                    streams,
                )  # fmt: skip
            else:
                channel, place = group * (shape[0] // groups), (positions[1], phases, origin)
                store_pixels(
                    result, y, shape, channel, rows, first, count, place, accumulate, epilogue
                )  # fmt: skip
        fence()
