"""The weight gradient of a convolution by Winograd's transforms.

For each point of a tile a matrix product: (channels) x (columns) times (columns) x
(filters), where a column is a tile of outputs of one case.  Threads share the columns out if each
can keep sums of its own in its cache, otherwise the channels, and transform dy each for itself.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from convnet.backends.cpu.gemm.direct_conv import row_blocks, share
from convnet.backends.cpu.gemm.im2col import PIECE, gather, list_pieces
from convnet.backends.cpu.jit import exact, piece
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
from convnet.backends.cpu.winograd.input_transform import GATHERED, transform_pixels
from convnet.backends.cpu.winograd.tiling import Tiling
from convnet.backends.cpu.winograd.transforms import address_of, transform_tile

_TILES = 4  # blocks of columns of a pass
_SUMS_BYTES = 2**19  # of a thread's own sums, in the second-level cache


class Layout(NamedTuple):
    """Scalars from one row, point, ... to the next, as kernels need them."""

    pitch: int  # of a row of pixels or points
    plane: int  # of points of x
    spread: int  # of points of dy
    columns: int  # of a pass


def layout_of(channels, filters, cut, dtype) -> Layout:
    """Planes are an odd number of cache lines apart, so that they do not share cache sets."""
    width = block_columns(dtype)
    columns, pitch = _TILES * width, (_TILES + 1) * width
    plane = _part_blocks(channels, cut) * ROWS * pitch + width
    return Layout(pitch, plane, -(-filters // width) * columns * width + width, columns)


class Cut(NamedTuple):
    """Tasks of a group: shares of the columns times parts of the channels."""

    shares: int
    parts: int


def cut_of(threads, way: Tiling, channels, filters, groups, dtype) -> Cut:
    """A part of the channels is at least two blocks of rows."""
    tasks = -(-threads // groups)
    if way.points * channels * filters * dtype.itemsize <= _SUMS_BYTES:
        return Cut(tasks, 1)
    return Cut(1, max(1, min(tasks, row_blocks(channels) // 2)))


def _part_blocks(channels, cut) -> int:
    return -(-row_blocks(channels) // cut.parts)


def parts(threads, way: Tiling, dw_shape, groups, dtype) -> list:
    """Scratch: sums of parts; for each thread a table, pixels, points of x, dy, points of dy."""
    channels, filters = dw_shape[0] * way.phases, dw_shape[3] // groups
    width, outputs, points = block_columns(dtype), way.outputs**2, way.points
    cut = cut_of(threads, way, channels, filters, groups, dtype)
    sizes, filter_blocks = layout_of(channels, filters, cut, dtype), -(-filters // width)
    rows = _part_blocks(channels, cut) * ROWS
    return [
        ((groups, *cut, points, filter_blocks, rows, width), dtype),
        ((threads, sizes.columns, PIECE), np.int64),
        ((threads, max(points * GATHERED, outputs * width), sizes.pitch), dtype),
        ((threads, points * sizes.plane), dtype),
        ((threads, outputs, sizes.columns, width), dtype),
        ((threads, points * sizes.spread), dtype),
    ]


@piece
def _spread_gradients(
    dy, side, first_filter, filters, table, pieces, count, pixels, turned, out, step, transform
):  # fmt: skip
    """out[p * step + (block * columns + column) * width + f] = points of dy's tiles."""
    item, pitch, columns, width = dy.itemsize, pixels.shape[1], turned.shape[1], turned.shape[2]
    lanes = VECTOR_BYTES // item
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
            row = side * columns * width
            transform_tile(transform, source, row, columns * width, target, step)


@piece
def _multiply(like, points, spread, layout, sums, filters, count):
    """sums[p, f block, channel] += points of x . points of dy, over `count` columns."""
    pitch, plane, step, columns = layout
    item, width = like.itemsize, sums.shape[3]
    for p in range(sums.shape[0]):
        for block in range(sums.shape[1]):
            vectors = -(-min(width, filters - block * width) * item // VECTOR_BYTES)
            b = spread + (p * step + block * columns * width) * item
            for row in range(0, sums.shape[2], ROWS):
                a = points + (p * plane + row * pitch) * item
                c = address(sums[p, block, row])
                block_product(like, a, UNIT, pitch, b, c, width, count, vectors, 1)


@exact
def sum_products(x, dy, sums, tables, pixels, points, turned, spreads, layout, window):
    """Fill `sums` (groups, shares of the columns, parts of the channels, ...).

    window = (tiling, padding, (input, spread) transforms).
    """
    way, padding, transforms = window
    groups, shares, parts, _, _, part, row = sums.shape
    side = way[0] + 1 - way[1]
    filters, channels, cases = dy.shape[0] // groups, x.shape[0] // groups, x.shape[3]
    summed = channels * way[2] * way[2]
    columns_x, tasks, threads = -(-dy.shape[2] // side), groups * shares * parts, tables.shape[0]
    columns = -(-dy.shape[1] // side) * columns_x * cases
    passes = -(-columns // layout[3])
    for thread in prange(threads):
        table, own = tables[thread], pixels[thread]
        out, spread = address(points[thread]), address(spreads[thread])
        for task in range(thread, tasks, threads):
            group, number, cut = task // (shares * parts), task // parts % shares, task % parts
            start, total = cut * part, sums[group, number, cut]
            stop = min(start + part, summed)
            zero_bytes(address(total), total.size * x.itemsize)
            begin, end = share(passes, number, shares)
            for first in range(begin * layout[3], end * layout[3], layout[3]):
                count = min(layout[3], columns - first)
                transform_pixels(
                    x, group * channels, channels, start, stop, way,
                    (first, count, columns_x, padding), table, own, out,
                    (layout[1], row, layout[0]), transforms[0],
                )  # fmt: skip
                pieces = list_pieces(table, first, count, columns_x, cases, side, 0)
                _spread_gradients(
                    dy, side, group * filters, filters, table, pieces, count, own, turned[thread],
                    spread, layout[2], transforms[1],
                )  # fmt: skip
                _multiply(x, out, spread, layout, total, filters, count)


@piece
def _put_taps(tile, dw, first, count, phase, way, adds):
    """A phase's taps of some filters of one channel's dw (K, K, F), those that exist."""
    _, size, stride = way
    for k in range(size * size):
        i, j = k // size * stride + phase // stride, k % size * stride + phase % stride
        if i < dw.shape[0] and j < dw.shape[0]:
            target = dw[i, j, first:]
            for f in range(count):
                target[f] = target[f] + tile[k, f] if adds else tile[k, f]


@exact
def collect_sums(sums, dw, way, accumulate, transform):
    """dw (C, K, K, F) (+)= the sums transformed back."""
    side, size, stride = way
    groups, shares, _, _, blocks, part, width = sums.shape
    channels, filters = dw.shape[0], dw.shape[3] // groups
    step = blocks * part * width
    for c in prange(channels * stride * stride):
        phase, channel = np.int64(c) // channels, np.int64(c) % channels
        tile = np.empty((size * size, width), dw.dtype)
        for group in range(groups):
            for number in range(shares):
                own, adds = sums[group, number, c // part], accumulate or number > 0
                for first in range(0, filters, width):
                    source = address(own[0, first // width, c % part])
                    transform_tile(transform, source, side * step, step, address(tile), width)
                    _put_taps(
                        tile, dw[channel], group * filters + first, min(width, filters - first),
                        phase, way, adds,
                    )  # fmt: skip


def run(way: Tiling, x, dy, dw, padding, groups, accumulate, arrays):
    """dw (+)= the gradient of w.  arrays: scratch as of `parts`."""
    sums, *own = arrays
    cut = Cut(*sums.shape[1:3])
    sizes = layout_of(dw.shape[0] * way.phases, dw.shape[3] // groups, cut, x.dtype)
    transforms = (
        address_of("input", way.side, 0, x.dtype),
        address_of("spread", way.side, way.size, x.dtype),
    )
    sum_products(x, dy, sums, *own, sizes, (tuple(way), padding, transforms))
    collect = address_of("collect", way.side, way.size, x.dtype)
    collect_sums(sums, dw, tuple(way), accumulate, collect)
