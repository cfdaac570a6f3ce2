"""The weight gradient of a convolution by Winograd's transforms.

For each point of a tile there is a matrix product, (channels, columns) x (columns, filters), where
a column is a tile of outputs of one case.  It is split-K, by columns, if the sums of a task fit a
thread's cache; into how many sums depends on the shapes alone, so that any number of threads gives
the same bits.  For more threads than that, the channels are split too; each task of a split of the
columns transforms all of its dy.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.cpu.gemm.direct_conv import part_range, row_blocks
from convnet.backends.cpu.gemm.im2col import RUN_FIELDS, gather, list_runs
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
from convnet.backends.cpu.winograd.input_transform import (
    PointLayout,
    pixel_parts,
    transform_pixels,
)
from convnet.backends.cpu.winograd.tiling import Columns, Tiling
from convnet.backends.cpu.winograd.transforms import address_of, transform_tile

_TILES = max(2, 256 // BLOCK_BYTES)  # blocks of columns of a pass
_SUMS_BYTES = 2**20  # of a split of the columns: they stay in the second-level cache
_PARTIAL_BYTES = 2**23  # limit of the sums of all splits of the columns of a group


class Layout(NamedTuple):
    """Strides of the kernel's scratch arrays, in scalars."""

    pitch: int  # of rows of pixels and points
    plane: int  # of points of x
    spread: int  # of points of dy
    columns: int  # of a pass


class Split(NamedTuple):
    """How the product of a group is split into tasks: columns x channels."""

    columns: int
    channels: int


class Sizes(NamedTuple):
    """A product of a group.  columns: tiles of outputs times cases."""

    channels: int
    filters: int
    columns: int
    groups: int


def sizes_of(
    tiling: Tiling, dw_shape: tuple[int, ...], dy_shape: tuple[int, ...], groups: int
) -> Sizes:
    """Return the sizes of the product for dw (C, K, K, F) and dy (F, rows, columns, cases)."""
    columns = tiling.tiles(*dy_shape[1:3]) * dy_shape[3]
    return Sizes(dw_shape[0] * tiling.phases, dw_shape[3] // groups, columns, groups)


def split_of(threads: int, tiling: Tiling, sizes: Sizes, dtype: np.dtype) -> Split:
    """Return the split of a product; each task has at least two blocks of channels."""
    sums, columns = tiling.points * sizes.channels * sizes.filters * dtype.itemsize, 1
    if sums <= _SUMS_BYTES:
        passes = ceil_div(sizes.columns, _TILES * block_columns(dtype))
        columns = splits_of(sizes.groups, min(passes, _PARTIAL_BYTES // sums))
    tasks = ceil_div(threads, sizes.groups * columns)
    return Split(columns, max(1, min(tasks, row_blocks(sizes.channels) // 2)))


def _task_blocks(channels, split) -> int:
    """The blocks of channels of a task."""
    return ceil_div(row_blocks(channels), split.channels)


def layout_of(channels: int, filters: int, split: Split, dtype: np.dtype) -> Layout:
    """Return the strides.  Planes are an odd number of cache lines apart, in other cache sets."""
    width = block_columns(dtype)
    columns, pitch = _TILES * width, (_TILES + 1) * width
    plane = _task_blocks(channels, split) * ROWS * pitch + width
    return Layout(pitch, plane, ceil_div(filters, width) * columns * width + width, columns)


def parts(threads: int, tiling: Tiling, sizes: Sizes, dtype: np.dtype) -> Parts:
    """Return the scratch: sums of all tasks; for each thread a table of runs, pixels and their
    sources, points of x, transposed dy, and points of dy."""
    width, outputs, points = block_columns(dtype), tiling.outputs**2, tiling.points
    split = split_of(threads, tiling, sizes, dtype)
    layout = layout_of(sizes.channels, sizes.filters, split, dtype)
    filter_blocks, rows = ceil_div(sizes.filters, width), _task_blocks(sizes.channels, split) * ROWS
    return [
        ((sizes.groups, *split, points, filter_blocks, rows, width), dtype),
        ((threads, layout.columns, RUN_FIELDS), np.int64),
        *pixel_parts(threads, tiling, layout.pitch, dtype, outputs * width),
        ((threads, points * layout.plane), dtype),
        ((threads, outputs, layout.columns, width), dtype),
        ((threads, points * layout.spread), dtype),
    ]


@helper
def _spread_gradients(
    dy, side, first_filter, filters, table, runs, count, pixels, transposed, out, step, transform
):  # fmt: skip
    """Transform dy: out[p * step + (block * columns + column) * width + f] = point p.

    out: an address.  pixels, transposed: scratch.
    """
    columns, width = transposed.shape[1], transposed.shape[2]
    item, lanes, cases = dy.itemsize, VECTOR_BYTES // dy.itemsize, dy.shape[3]
    for start in range(0, filters, width):
        rows = min(width, filters - start)
        if cases % lanes == 0 and rows % lanes == 0:
            _transpose(dy, side, first_filter + start, rows, table, runs, transposed)
        else:
            _gather_and_transpose(
                dy, side, first_filter + start, rows, table, runs, count, pixels, transposed
            )  # fmt: skip
        for column in range(count):
            source = address(transposed) + column * width * item
            target = out + (start * columns + column * width) * item
            row = side * columns * width
            transform_tile(transform, source, row, columns * width, target, step)


@helper
def _transpose(dy, side, filter_, rows, table, runs, transposed):
    """transposed[k, column, f] = pixel k of a column's tile of filter filter_ + f; zero outside."""
    _, height, line, cases = dy.shape
    item, width, lanes = dy.itemsize, transposed.shape[2], VECTOR_BYTES // dy.itemsize
    image, line = height * line * cases, line * cases
    for k in range(side * side):
        for i in range(runs):
            length, to = table[i, 1], address(transposed[k, table[i, 0]])
            y, place = table[i, 2] + k // side, table[i, 3] + k % side * cases
            if y >= height or place >= line:
                zero_bytes(to, length * width * item)
                continue
            for f in range(0, rows, lanes):
                source = address(dy) + ((filter_ + f) * image + y * line + place) * item
                for j in range(0, length, lanes):
                    target = to + (j * width + f) * item
                    transpose_square(dy, source + j * item, image, target, width)


@helper
def _gather_and_transpose(dy, side, filter_, rows, table, runs, count, pixels, transposed):
    """The same where rows of filters or cases are no whole vectors."""
    columns, width = transposed.shape[1], transposed.shape[2]
    item, pitch, lanes = dy.itemsize, pixels.shape[1], VECTOR_BYTES // dy.itemsize
    gather(
        dy, filter_, rows, table, runs, side, 0, side * side * rows, address(pixels),
        (pitch, pitch, 0),
    )  # fmt: skip
    for k in range(side * side):
        for f in range(0, rows, lanes):
            for j in range(0, count, lanes):
                source = address(pixels) + ((k * rows + f) * pitch + j) * item
                target = address(transposed) + ((k * columns + j) * width + f) * item
                transpose_square(dy, source, pitch, target, width)


@helper
def _multiply(like, points, spread, layout, sums, filters, count):
    """sums[p, f block, channel] += points of x x points of dy, summed over `count` columns.

    points, spread: their addresses.
    """
    pitch, plane, step, columns = layout
    item, width = like.itemsize, sums.shape[3]
    for p in range(sums.shape[0]):
        for block in range(sums.shape[1]):
            vectors = kernel_ceil_div(min(width, filters - block * width) * item, VECTOR_BYTES)
            b = spread + (p * step + block * columns * width) * item
            for row in range(0, sums.shape[2], ROWS):
                a = points + (p * plane + row * pitch) * item
                c = address(sums[p, block, row])
                block_product(like, a, UNIT, pitch, b, c, width, count, vectors, 1)


@exact
def sum_products(
    x, dy, sums, tables, pixels, sources, points, transposed, spreads, layout, tiling, padding,
    transforms,
):  # fmt: skip
    """sums = the products of each task's columns and channels.

    sums: (groups, splits of the columns, splits of the channels, points, filter blocks, channels of
    a task, filters of a block).  transforms: the addresses of (input, spread).
    """
    groups, splits, parts, _, _, part, width = sums.shape
    side = tiling.side + 1 - tiling.size
    filters, channels, cases = dy.shape[0] // groups, x.shape[0] // groups, x.shape[3]
    summed = channels * tiling.stride * tiling.stride
    per_row, tasks = kernel_ceil_div(dy.shape[2], side), groups * splits * parts
    threads = tables.shape[0]
    columns = kernel_ceil_div(dy.shape[1], side) * per_row * cases
    blocks = kernel_ceil_div(columns, width)
    points_x = PointLayout(layout.plane, width, layout.pitch)
    for thread in prange(threads):
        table, own = tables[thread], pixels[thread]
        out, spread = address(points[thread]), address(spreads[thread])
        first_task, end_task = part_range(tasks, thread, threads)
        for task in range(first_task, end_task):
            group, split, own_part = task // (splits * parts), task // parts % splits, task % parts
            start, total = own_part * part, sums[group, split, own_part]
            stop = min(start + part, summed)
            zero_bytes(address(total), total.size * x.itemsize)
            begin, end = part_range(blocks, split, splits)
            for first in range(begin * width, end * width, layout.columns):
                count = min(layout.columns, end * width - first, columns - first)
                transform_pixels(
                    x, group * channels, channels, start, stop, tiling,
                    Columns(first, count, per_row), padding, table, own, sources[thread], out,
                    points_x, transforms[0],
                )  # fmt: skip
                runs = list_runs(table, first, count, per_row, cases, side, 0)
                _spread_gradients(
                    dy, side, group * filters, filters, table, runs, count, own,
                    transposed[thread], spread, layout.spread, transforms[1],
                )  # fmt: skip
                _multiply(x, out, spread, layout, total, filters, count)


@helper
def _put_taps(tile, dw, first, count, phase, tiling, adds):
    """Store the taps of a phase, of `count` filters, in one channel's dw (K, K, F)."""
    _, size, stride = tiling
    for k in range(size * size):
        i, j = k // size * stride + phase // stride, k % size * stride + phase % stride
        if i < dw.shape[0] and j < dw.shape[0]:
            target = dw[i, j, first:]
            for f in range(count):
                target[f] = target[f] + tile[k, f] if adds else tile[k, f]


@exact
def collect_sums(sums, dw, tiling, accumulate, transform):
    """dw (C, K, K, F) (+)= the transformed sums of all splits, added in a fixed order."""
    side, size, stride = tiling
    groups, splits, _, _, blocks, part, width = sums.shape
    channels, filters = dw.shape[0], dw.shape[3] // groups
    step = blocks * part * width
    for c in prange(channels * stride * stride):
        phase, channel = np.int64(c) // channels, np.int64(c) % channels
        tile = np.empty((size * size, width), dw.dtype)
        for group in range(groups):
            for split in range(splits):
                own, adds = sums[group, split, c // part], accumulate or split > 0
                for first in range(0, filters, width):
                    source = address(own[0, first // width, c % part])
                    transform_tile(transform, source, side * step, step, address(tile), width)
                    _put_taps(
                        tile, dw[channel], group * filters + first, min(width, filters - first),
                        phase, tiling, adds,
                    )  # fmt: skip


def run(
    tiling: Tiling,
    x: np.ndarray,
    dy: np.ndarray,
    dw: np.ndarray,
    padding: int,
    groups: int,
    accumulate: bool,
    arrays: list[np.ndarray],
) -> None:
    """dw (+)= the gradient of w.  arrays: scratch as of `parts`."""
    sums, *own = arrays
    split = Split(*sums.shape[1:3])
    layout = layout_of(dw.shape[0] * tiling.phases, dw.shape[3] // groups, split, x.dtype)
    transforms = (
        address_of("input", tiling.side, 0, x.dtype),
        address_of("spread", tiling.side, tiling.size, x.dtype),
    )
    sum_products(x, dy, sums, *own, layout, tiling, padding, transforms)
    collect = address_of("collect", tiling.side, tiling.size, x.dtype)
    collect_sums(sums, dw, tiling, accumulate, collect)
