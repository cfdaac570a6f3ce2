"""Correlation of an image with packed filters: the engine under conv.forward and images_grad.

A matrix product (rows of filters) x (taps) times (taps) x (columns) whose right-hand side is
gathered tile by tile and never exists as a whole.  The product of a tile stays in a block of
scratch, in cache, until it is complete; only then is the output touched.

Packed filters: for each group, each span of taps and each block of ROWS rows, (taps, ROWS).
"""

import numpy as np
from numba import njit, prange

from convnet.backends.cpu.finish import finish_row
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    PACKED,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    block_product,
    copy_block,
    copy_bytes,
    zero_bytes,
)
from convnet.backends.cpu.windows import PIECE, gather, list_pieces, shrink, taps_inside

_SPAN = 160  # taps of a tile that fit the first-level cache together with a block of filters
_TILES = 4  # tiles of one task, which share the packed filters in the second-level cache
_RESULT_BYTES = 2**19  # of one task's results, in the same cache


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


@njit(cache=True, nogil=True)
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
    width, blocks = block_columns(dtype), row_blocks(rows)
    return [
        ((threads, width, PIECE), np.int64),
        ((threads, _SPAN, width), dtype),
        ((threads, _most_tiles(rows, dtype), blocks * ROWS, width), dtype),
    ]


@njit(cache=True, nogil=True)
def _store_row(source, target, start, length, accumulate):
    place, size = address(target) + start * target.itemsize, length * target.itemsize
    if accumulate:
        for j in range(length):
            target[start + j] += source[j]
    elif size == BLOCK_BYTES:
        copy_block(place, address(source))
    else:
        copy_bytes(place, address(source), size)


@njit(cache=True, nogil=True)
def _store_rows(results, y, columns, row, rows, begin, end, accumulate, finish):
    """All tiles of a task go to y as they are: (rows, columns)."""
    width = results.shape[2]
    for k in range(rows):
        for first in range(begin, end, width):
            source = results[(first - begin) // width, k]
            start = (row + k) * columns + first
            count = min(width, end - first)
            _store_row(source, y, start, count, accumulate)
            finish_row(y[start : start + count], row + k, finish)


@njit(cache=True, nogil=True)
def _store_pixels(result, y, shape, channel, rows, first, count, side, phases, origin, accumulate):
    """Row (py, px, channel) and column (qy, qx, case) belong to pixel origin + q * phases + p."""
    _, height, width, cases = shape
    channels, done = rows // (phases * phases), 0
    while done < count:
        position = (first + done) // cases
        case = first + done - position * cases
        length = min(cases - case, count - done)
        for k in range(rows):
            phase = k // channels
            iy = origin + position // side * phases + phase // phases
            ix = origin + position % side * phases + phase % phases
            if 0 <= iy < height and 0 <= ix < width:
                plane = channel + k - phase * channels
                start = ((plane * height + iy) * width + ix) * cases + case
                _store_row(result[k, done:], y, start, length, accumulate)
        done += length


@njit(cache=True, nogil=True)
def _add_span(
    x, channel, channels, size, table, pieces, span, panel, used, gathered, result, count
):
    """result += filters of one span of taps x the taps of one tile; all blocks of rows."""
    start, stop = span
    low, high = shrink(taps_inside(table, pieces, x, size), start, stop, channels, size)
    if low >= high:
        return
    item, width = x.itemsize, result.shape[1]
    gather(x, channel, channels, table, pieces, size, low, high, address(gathered), width)
    vectors = -(-count * item // VECTOR_BYTES)
    for block in range(used.size):
        if used[block]:
            a = panel + ((stop - start) * block + low - start) * ROWS * item
            c = address(result) + block * ROWS * width * item
            block_product(gathered, a, PACKED, UNIT, address(gathered), c, high - low, vectors)


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def correlate(
    x, filters, used, y, tables, gathered, results, window, spans, output, task_tiles, accumulate,
    finish,
):  # fmt: skip
    """y (+)= filters * x; see the callers in conv.py for the two ways it is used.

    window = (groups, size, stride, padding); output = (shape of y, (positions y, positions x),
    rows of a group, phases, origin): with phases 1 the rows are y's channels, otherwise see
    `_store_pixels`.  used[g, span, block] is 0 where a block of filters is zero.
    """
    groups, size, stride, padding = window
    shape, positions, rows, phases, origin = output
    cases, channels = x.shape[3], x.shape[0] // groups
    columns, width = positions[0] * positions[1] * cases, gathered.shape[2]
    threads, block_rows = tables.shape[0], results.shape[2]
    group_tasks = -(-columns // (width * task_tiles))
    group_filters = size * size * channels * block_rows
    for thread in prange(threads):
        table = tables[thread]
        tasks = groups * group_tasks
        for task in range(tasks * thread // threads, tasks * (thread + 1) // threads):
            group = task // group_tasks
            begin = task % group_tasks * task_tiles * width
            end = min(begin + task_tiles * width, columns)
            tiles = -(-(end - begin) // width)
            result = results[thread]
            zero_bytes(address(result), tiles * block_rows * width * x.itemsize)
            for number in range(used.shape[1]):
                span = span_range(number, spans)
                panel = group * group_filters + span[0] * block_rows
                panel = address(filters) + panel * x.itemsize
                for tile in range(tiles):
                    first = begin + tile * width
                    count = min(width, end - first)
                    pieces = list_pieces(table, first, count, positions[1], cases, stride, padding)
                    _add_span(
                        x, group * channels, channels, size, table, pieces, span, panel,
                        used[group, number], gathered[thread], result[tile], count,
                    )  # fmt: skip
            if phases == 1:
                _store_rows(result, y, columns, group * rows, rows, begin, end, accumulate, finish)
            else:
                channel = group * (shape[0] // groups)
                for first in range(begin, end, width):
                    _store_pixels(
                        result[(first - begin) // width], y, shape, channel, rows, first,
                        min(width, end - first), positions[1], phases, origin, accumulate,
                    )  # fmt: skip
