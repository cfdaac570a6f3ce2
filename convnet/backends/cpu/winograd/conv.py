"""Convolution by Winograd's transforms: forward, and the gradient of images at stride 1.

A matrix product for each point of a tile: (rows of filters) x (channels) times (channels) x
(columns), where a column is a tile of outputs of one case.  A task takes some columns through all
stages: pixels transformed, multiplied, transformed back and stored.

At a stride S the image is seen as S^2 images, of every S-th row and column (its phases), each with
its own part of the filter: 11x11 filters at stride 4 on 3 channels become 3x3 filters at stride 1
on 48.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from convnet.backends.cpu.gemm.direct_conv import row_blocks, share
from convnet.backends.cpu.gemm.epilogue import finish_row
from convnet.backends.cpu.gemm.im2col import PIECE
from convnet.backends.cpu.gemm.store import store_pixels
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
    copy_bytes,
    stream_block,
)
from convnet.backends.cpu.winograd.input_transform import GATHERED, transform_pixels
from convnet.backends.cpu.winograd.tiling import Tiling
from convnet.backends.cpu.winograd.transforms import address_of, transform_tile
from convnet.compiling.nontemporal import STREAMED, fence

TILES = 8  # blocks of columns of a task: results are stored in rows of half a kilobyte
_TOGETHER = 3  # blocks of rows whose products are stored before the next are made
_SPAN = 256  # channels of a product that stay in the first-level cache


class Sizes(NamedTuple):
    """Of a product, as it sees them: channels (of all phases) that are summed, rows that come out.

    columns: tiles of all cases.
    """

    tiling: Tiling
    channels: int
    rows: int
    groups: int
    columns: int


def sizes(way: Tiling, channels: int, rows: int, groups: int, shape) -> Sizes:
    """Of a product that makes an image of `shape` (C, H, W, N)."""
    _, height, width, cases = shape
    return Sizes(way, channels * way.phases, rows, groups, way.tiles(height, width) * cases)


def tiles_per_task(columns, dtype, threads) -> int:
    """Blocks of columns: fewer where there are not enough for all threads."""
    return max(1, min(TILES, columns // (threads * block_columns(dtype))))


def parts(threads, sizes: Sizes, dtype) -> list:
    """Scratch: packed filters; for each thread filters, their points, a table, pixels, points,
    products, outputs.

    Rows and planes are an odd number of cache lines apart, so that they do not share cache sets.
    """
    width, blocks, points = block_columns(dtype), row_blocks(sizes.rows), sizes.tiling.points
    together = min(_TOGETHER, blocks)
    tiles = tiles_per_task(sizes.columns, dtype, threads)
    pitch = (tiles + 1) * width
    lanes = -(-ROWS // width) * width  # of whole vectors, for at least one block of rows
    return [
        ((sizes.groups, points, blocks, sizes.channels, ROWS), dtype),
        ((threads, sizes.tiling.size**2, lanes), dtype),
        ((threads, ROWS, points, lanes), dtype),
        ((threads, tiles * width, PIECE), np.int64),
        ((threads, points * GATHERED, pitch), dtype),
        ((threads, points * (tiles * (sizes.channels + 1) * width + width)), dtype),
        ((threads, points * (together * ROWS * pitch + width)), dtype),
        ((threads, sizes.tiling.outputs**2, tiles * width), dtype),
    ]


@piece
def _take_filters(w, c, phase, filters, way, turned, tile):
    """tile[k, f] = tap k of a phase, of `filters` (first, end); zeros beyond the last tap."""
    _, size, stride = way
    taps = w.shape[1]
    for k in range(size * size):
        i, j = k // size * stride + phase // stride, k % size * stride + phase % stride
        if turned:
            i, j = taps - 1 - i, taps - 1 - j
        for f in range(filters[1] - filters[0]):
            tile[k, f] = w[c, i, j, filters[0] + f] if i < taps and j < taps else 0


@piece
def _put_filters(points, first, end, term, packed):
    """packed[p, f // ROWS, term + c, f % ROWS] = points[c, p, f - first]."""
    item = packed.itemsize
    for p in range(packed.shape[0]):
        for block in range(first // ROWS, -(-end // ROWS)):
            to, lane = address(packed[p, block, term]), block * ROWS - first
            for c in range(points.shape[0]):
                source = address(points[c, p]) + lane * item
                copy_bytes(to + c * ROWS * item, source, ROWS * item)


@piece
def _put_turned(points, first, end, packed):
    """packed[p, f, c] = points[c, p, f - first]; packed: a block of rows of each point."""
    for p in range(packed.shape[0]):
        for f in range(first, end):
            row = packed[p, f]
            for c in range(ROWS):
                row[c] = points[c, p, f - first]


@exact
def pack(w, packed, tiles, points, way, turned, transform):
    """Transform filters w (C, K, K, F) and pack them: (groups, points, blocks, summed, ROWS).

    Rows are filters and channels (of phase 0, of phase 1, ...) are summed; or, at stride 1, turned:
    the other way round with the filter turned by half a turn.  A task has ROWS channels of a phase.
    Rows beyond the last hold anything: nobody reads what they make.
    """
    _, size, stride = way
    groups, channels, filters = packed.shape[0], w.shape[0], w.shape[3] // packed.shape[0]
    chunks, phases, threads = -(-channels // ROWS), stride * stride, tiles.shape[0]
    lanes = tiles.shape[2]
    step = lanes // ROWS * ROWS
    for thread in prange(threads):
        tile, found = tiles[thread], points[thread]
        begin, end = share(groups * phases * chunks, thread, threads)
        for task in range(begin, end):
            group, phase = task // (phases * chunks), task // chunks % phases
            start = task % chunks * ROWS
            count = min(ROWS, channels - start)
            for first in range(0, filters, step):
                last = min(first + step, filters)
                own = group * filters + first, group * filters + last
                for c in range(count):
                    _take_filters(w, start + c, phase, own, way, turned, tile)
                    for block in range(0, lanes * w.itemsize, BLOCK_BYTES):
                        source, to = address(tile) + block, address(found[c]) + block
                        transform_tile(transform, source, size * lanes, lanes, to, lanes)
                if turned:
                    _put_turned(found, first, last, packed[group, :, start // ROWS])
                else:
                    term = phase * channels + start
                    _put_filters(found[:count], first, last, term, packed[group])


@piece
def _multiply(packed, start, stop, points, plane, panel, products, out_plane, pitch, count):
    """products[p, row, column] = packed filters x points, for each of the points of a tile.

    Of the blocks of rows from `start` to `stop`.
    """
    item = packed.itemsize
    width, channels = BLOCK_BYTES // item, packed.shape[2]
    for p in range(packed.shape[0]):
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


@piece
def _put_tiles(outputs, y, shape, channel, side, first, count, columns_x, streams):
    """The tiles of one channel's columns [first, first + count) go to their pixels of flat y."""
    _, height, width, cases = shape
    item, pitch, done = outputs.itemsize, outputs.shape[1], 0
    while done < count:
        position = (first + done) // cases
        case = first + done - position * cases
        length = min(cases - case, count - done)
        top, left = position // columns_x * side, position % columns_x * side
        to = address(y) + (((channel * height + top) * width + left) * cases + case) * item
        for i in range(min(side, height - top)):
            source = address(outputs) + (i * side * pitch + done) * item
            for j in range(min(side, width - left)):
                target, row = to + (i * width + j) * cases * item, source + j * pitch * item
                if streams:
                    for part in range(0, length * item, BLOCK_BYTES):
                        stream_block(target + part, row + part)
                else:
                    copy_bytes(target, row, length * item)
        done += length


@piece
def _store(
    way, products, plane, pitch, rows, outputs, y, shape, channel, first, count, columns_x,
    accumulate, finish, transform, streams,
):  # fmt: skip
    """The tiles of outputs of each row go to their pixels of y, finished."""
    item, side = outputs.itemsize, way[0] + 1 - way[1]
    for row in range(rows):
        for tile in range(0, count * item, BLOCK_BYTES):
            source = products + row * pitch * item + tile
            transform_tile(
                transform, source, way[0] * plane, plane, address(outputs) + tile, outputs.shape[1]
            )  # fmt: skip
        if accumulate:
            place = columns_x, side, 0
            store_pixels(
                outputs, y, shape, channel + row, side * side, first, count, place, True, finish
            )  # fmt: skip
        else:
            finish_row(outputs.reshape(-1), channel + row, finish)  # all outputs in one go
            _put_tiles(
                outputs, y, shape, channel + row, side, first, count, columns_x, streams
            )  # fmt: skip


@exact
def correlate(x, packed, y, shape, tables, pixels, points, products, outputs, window, finish):
    """y (+)= filters * x.  y is flat, of `shape`.

    window = (tiling, padding, rows, tiles, together, accumulate, (input, output) transforms).
    """
    way, padding, rows, tiles, together, accumulate, transforms = window
    side = way[0] + 1 - way[1]
    groups, blocks, summed = packed.shape[0], packed.shape[2], packed.shape[3]
    channels = summed // (way[2] * way[2])
    cases, columns_x, pitch = x.shape[3], -(-shape[2] // side), pixels.shape[2]
    width, columns = BLOCK_BYTES // x.itemsize, -(-shape[1] // side) * columns_x * cases
    panel = (summed + 1) * width
    plane, out_plane = tiles * panel + width, together * ROWS * pitch + width
    group_tasks = -(-columns // (tiles * width))
    whole = cases * x.itemsize % BLOCK_BYTES == 0 and address(y) % VECTOR_BYTES == 0
    streams = whole and y.size * y.itemsize >= STREAMED
    threads = tables.shape[0]
    for thread in prange(threads):
        own, out = address(points[thread]), address(products[thread])
        begin, end = share(groups * group_tasks, thread, threads)
        for task in range(begin, end):
            group, first = task // group_tasks, task % group_tasks * tiles * width
            count = min(tiles * width, columns - first)
            transform_pixels(
                x, group * channels, channels, 0, summed, way, (first, count, columns_x, padding),
                tables[thread], pixels[thread], own, (plane, panel, width), transforms[0],
            )  # fmt: skip
            for start in range(0, blocks, together):
                stop, row = min(start + together, blocks), start * ROWS
                _multiply(
                    packed[group], start, stop, own, plane, panel, out, out_plane, pitch, count
                )  # fmt: skip
                _store(
                    way, out, out_plane, pitch, min(rows, stop * ROWS) - row, outputs[thread], y,
                    shape, group * rows + row, first, count, columns_x, accumulate, finish,
                    transforms[1], streams,
                )  # fmt: skip
        fence()


def run(way, x, w, y, padding, groups, accumulate, finish, arrays, turned):
    """y (+)= the correlation of x with w (C, K, K, F), or with its filters turned, summed over F.

    arrays: scratch as of `parts`.
    """
    packed, filters, filter_points, *own = arrays
    rows = w.shape[0] if turned else w.shape[3] // groups
    transform = address_of("filter", way.side, way.size, w.dtype)
    pack(w, packed, filters, filter_points, tuple(way), turned, transform)
    transforms = (
        address_of("input", way.side, 0, x.dtype),
        address_of("output", way.side, way.size, x.dtype),
    )
    tiles = own[0].shape[1] // block_columns(x.dtype)
    together = min(_TOGETHER, packed.shape[2])
    window = tuple(way), padding, rows, tiles, together, accumulate, transforms
    correlate(x, packed, y.reshape(-1), y.shape, *own, window, finish)
