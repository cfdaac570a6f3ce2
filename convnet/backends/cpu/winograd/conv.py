"""Convolution by Winograd's transforms: forward, and the gradient of images at stride 1.

For each point of a tile there is a matrix product, (rows of filters, channels) x (channels,
columns), where a column is a tile of outputs of one case.  A task takes some columns through all
stages: the input transform, the products, the output transform, the epilogue, and storing.

At a stride S the image is seen as S^2 images, its phases (tiling.py); their channels are summed.
"""

from math import gcd
from typing import NamedTuple

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.cpu.caches import second_level_bytes
from convnet.backends.cpu.gemm.direct_conv import part_range, row_blocks
from convnet.backends.cpu.gemm.epilogue import Epilogue, apply_epilogue
from convnet.backends.cpu.gemm.im2col import RUN_FIELDS
from convnet.backends.cpu.gemm.store import store_pixels
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
    copy_run,
    prefetch_bytes,
    stream_block,
)
from convnet.backends.cpu.scratch import Parts
from convnet.backends.cpu.winograd.input_transform import (
    PointLayout,
    pixel_parts,
    transform_pixels,
)
from convnet.backends.cpu.winograd.tiling import Columns, Tiling
from convnet.backends.cpu.winograd.transforms import address_of, transform_tile
from convnet.compiling.nontemporal import STREAM_BYTES, fence
from convnet.compiling.replay import preparing

# Blocks of columns of a task.  Their points are far more than the second-level cache holds; where
# it is small, half as many are faster, although the filters are then read twice as often.
TILES = (512 if second_level_bytes() >= 2**20 else 256) // BLOCK_BYTES
_TOGETHER = 3  # blocks of rows that are multiplied before their products are transformed
_LINE = 64  # bytes of a cache line
_PACKED_BYTES = 512  # of filters that are transformed at a time: whole blocks of columns
_SPAN = 256  # channels of a product that stay in the first-level cache


class Sizes(NamedTuple):
    """The sizes of a product."""

    tiling: Tiling
    channels: int  # that are summed, of all phases of a group
    rows: int  # of a group
    groups: int
    columns: int  # tiles of all cases


class Correlation(NamedTuple):
    """What `run` does.  padding: of the image, in pixels."""

    tiling: Tiling
    padding: int
    groups: int
    accumulate: bool
    epilogue: Epilogue
    rotated: bool = False  # filters are rotated by 180 degrees and summed over F, not over C


class Settings(NamedTuple):
    """Numbers for the kernel of a correlation.  (Numba takes no nested tuples into a prange.)"""

    padding: int
    rows: int  # of a group
    columns: int  # of a task
    together: int  # blocks of rows that are multiplied before their products are transformed
    accumulate: bool
    input_transform: np.int64  # addresses
    output_transform: np.int64


class ProductLayout(NamedTuple):
    """Where products are: that of point p, a row and a column is number p * plane + row * pitch +
    column."""

    plane: int
    pitch: int


def sizes(tiling: Tiling, channels: int, rows: int, groups: int, shape: tuple[int, ...]) -> Sizes:
    """Return the sizes of the product whose result is an image of `shape` (C, H, W, N)."""
    return Sizes(tiling, channels * tiling.phases, rows, groups, _columns(tiling, shape))


def _columns(tiling, shape) -> int:
    """The tiles of all cases of an image of `shape` (C, H, W, N)."""
    return tiling.tiles(*shape[1:3]) * shape[3]


def columns_per_task(columns: int, dtype: np.dtype, threads: int) -> int:
    """Return the most columns of a task: whole blocks, or, where there are few, whole vectors."""
    width, lanes = block_columns(dtype), VECTOR_BYTES // dtype.itemsize
    if columns >= threads * width:
        return min(TILES, ceil_div(columns, width)) * width
    return ceil_div(ceil_div(columns, threads), lanes) * lanes


def _block_pitch(channels: int, dtype: np.dtype) -> int:
    """Return the channels from one block of packed filters to the next."""
    unit = _LINE // gcd(_LINE, ROWS * dtype.itemsize)
    return (ceil_div(channels, unit) | 1) * unit


def parts(threads: int, sizes: Sizes, dtype: np.dtype) -> Parts:
    """Return the scratch: packed filters; for each thread filters, their points, a table of runs,
    pixels, their sources, points, products, and outputs.

    Blocks of filters, rows and planes are an odd number of cache lines apart, so that they do not
    share cache sets.
    """
    width, blocks, points = block_columns(dtype), row_blocks(sizes.rows), sizes.tiling.points
    together = min(_TOGETHER, blocks)
    tiles = ceil_div(columns_per_task(sizes.columns, dtype, threads), width)
    pitch = (tiles + 1) * width
    lanes = _PACKED_BYTES // dtype.itemsize
    return [
        ((sizes.groups, points, blocks, _block_pitch(sizes.channels, dtype), ROWS), dtype),
        ((threads, sizes.tiling.size**2, lanes), dtype),
        ((threads, ROWS, points, lanes), dtype),
        ((threads, tiles * width, RUN_FIELDS), np.int64),
        *pixel_parts(threads, sizes.tiling, pitch, dtype),
        ((threads, points * (tiles * (sizes.channels + 1) * width + width)), dtype),
        ((threads, points * (together * ROWS * pitch + width)), dtype),
        ((threads, sizes.tiling.outputs**2, tiles * width), dtype),
    ]


@helper
def _take_filters(w, c, phase, filters, tiling, rotated, tile):
    """tile[k, f] = tap k of a phase, of filters (first, end); zero for taps beyond the last."""
    _, size, stride = tiling
    taps = w.shape[1]
    for k in range(size * size):
        i, j = k // size * stride + phase // stride, k % size * stride + phase % stride
        if rotated:
            i, j = taps - 1 - i, taps - 1 - j
        for f in range(filters[1] - filters[0]):
            tile[k, f] = w[c, i, j, filters[0] + f] if i < taps and j < taps else 0


@helper
def _put_filters(points, first, end, term, packed):
    """packed[p, f // ROWS, term + c, f % ROWS] = points[c, p, f - first]."""
    for p in range(packed.shape[0]):
        for block in range(first // ROWS, kernel_ceil_div(end, ROWS)):
            lane = block * ROWS - first
            for c in range(points.shape[0]):
                source, target = points[c, p, lane:], packed[p, block, term + c]
                for k in range(ROWS):
                    target[k] = source[k]


@helper
def _put_rotated(points, first, end, packed):
    """packed[p, f, c] = points[c, p, f - first]; packed: a block of rows of each point."""
    for p in range(packed.shape[0]):
        for f in range(first, end):
            row = packed[p, f]
            for c in range(ROWS):
                row[c] = points[c, p, f - first]


@exact
def pack(w, packed, tiles, points, tiling, rotated, transform):
    """Transform filters w (C, K, K, F) and pack them: (groups, points, blocks, summed, ROWS).

    Rows are filters, and channels are summed: those of phase 0, of phase 1, ...  If `rotated`
    (at stride 1 only), rows are channels, filters are summed, and each filter is rotated by 180
    degrees.  A task packs ROWS channels of a phase, in filters that fit `tiles`; the next task
    continues its cache lines.  Rows beyond the last are garbage, as are the results of these rows,
    which nobody reads.
    """
    _, size, stride = tiling
    groups, channels, filters = packed.shape[0], w.shape[0], w.shape[3] // packed.shape[0]
    chunks, phases, threads = kernel_ceil_div(channels, ROWS), stride * stride, tiles.shape[0]
    lanes = tiles.shape[2]
    step = lanes // ROWS * ROWS
    parts = kernel_ceil_div(filters, step)
    for thread in prange(threads):
        tile, found = tiles[thread], points[thread]
        begin, end = part_range(groups * parts * phases * chunks, thread, threads)
        for task in range(begin, end):
            part, phase, chunk = task // (phases * chunks), task // chunks % phases, task % chunks
            group, first, start = part // parts, part % parts * step, chunk * ROWS
            last, count = min(first + step, filters), min(ROWS, channels - start)
            own = group * filters + first, group * filters + last
            for c in range(count):
                _take_filters(w, start + c, phase, own, tiling, rotated, tile)
                for block in range(0, (last - first) * w.itemsize, BLOCK_BYTES):
                    source, to = address(tile) + block, address(found[c]) + block
                    transform_tile(transform, source, size * lanes, lanes, to, lanes)
            if rotated:
                _put_rotated(found, first, last, packed[group, :, start // ROWS])
            else:
                term = phase * channels + start
                _put_filters(found[:count], first, last, term, packed[group])


@helper
def _multiply(packed, start, stop, channels, points, layout, products, out, count):
    """Multiply the blocks of rows [start, stop) of the packed filters by `count` columns of points.

    channels: those that are summed.  points, products: addresses, with arrays as in `layout`
    (PointLayout) and `out` (ProductLayout).
    """
    item = packed.itemsize
    width = BLOCK_BYTES // item
    for p in range(packed.shape[0]):
        for first in range(0, count, width):
            vectors = kernel_ceil_div(min(width, count - first) * item, VECTOR_BYTES)
            b = points + (p * layout.plane + first // width * layout.panel) * item
            c = products + (p * out.plane + first) * item
            for block in range(start, stop):
                if first == 0 and p + 1 < packed.shape[0]:  # once: the filters come from far away
                    ahead = address(packed[p + 1, block])
                    for part in range(0, min(_SPAN, channels) * ROWS * item, BLOCK_BYTES):
                        prefetch_bytes(ahead + part, BLOCK_BYTES)
                to = c + (block - start) * ROWS * out.pitch * item
                for term in range(0, channels, _SPAN):
                    block_product(
                        packed, address(packed[p, block, term]), PACKED, UNIT,
                        b + term * width * item, to, out.pitch, min(_SPAN, channels - term),
                        vectors, term,
                    )  # fmt: skip


@helper
def _put_tiles(outputs, y, shape, channel, side, columns, streams):
    """Store the tiles of one channel in their pixels of flat y; `streams`: by streaming stores."""
    _, height, width, cases = shape
    item, pitch, done = outputs.itemsize, outputs.shape[1], 0
    while done < columns.count:
        position = (columns.first + done) // cases
        case = columns.first + done - position * cases
        length = min(cases - case, columns.count - done)
        top, left = position // columns.per_row * side, position % columns.per_row * side
        to = address(y) + (((channel * height + top) * width + left) * cases + case) * item
        for i in range(min(side, height - top)):
            source = address(outputs) + (i * side * pitch + done) * item
            for j in range(min(side, width - left)):
                target, row = to + (i * width + j) * cases * item, source + j * pitch * item
                if streams:
                    for part in range(0, length * item, BLOCK_BYTES):
                        stream_block(target + part, row + part)
                else:
                    copy_run(target, row, length * item)
        done += length


@helper
def _store(
    products, layout, rows, outputs, y, shape, channel, columns, tiling, settings, epilogue,
    streams,
):  # fmt: skip
    """Transform the products of `rows` rows, apply the epilogue, and store in y from `channel` on.

    products: an address, with an array as in `layout`.  outputs: scratch for one row.
    """
    item, side = outputs.itemsize, tiling.side + 1 - tiling.size
    for row in range(rows):
        for tile in range(0, columns.count * item, BLOCK_BYTES):
            source = products + row * layout.pitch * item + tile
            transform_tile(
                settings.output_transform, source, tiling.side * layout.plane, layout.plane,
                address(outputs) + tile, outputs.shape[1],
            )  # fmt: skip
        if settings.accumulate:
            place = columns.per_row, side, 0
            store_pixels(
                outputs, y, shape, channel + row, side * side, columns.first, columns.count, place,
                True, epilogue,
            )  # fmt: skip
        else:
            apply_epilogue(outputs.reshape(-1), channel + row, epilogue)  # to all outputs at once
            _put_tiles(outputs, y, shape, channel + row, side, columns, streams)


@exact
def correlate(
    x, packed, y, shape, tables, pixels, sources, points, products, outputs, tiling, settings,
    epilogue,
):  # fmt: skip
    """y (+)= filters * x, with the epilogue applied.  y: flat, of `shape`; scratch: see `parts`."""
    rows, step, together = settings.rows, settings.columns, settings.together
    side = tiling.side + 1 - tiling.size
    groups, blocks, channels = packed.shape[0], packed.shape[2], x.shape[0] // packed.shape[0]
    summed = channels * tiling.stride * tiling.stride
    cases, per_row = x.shape[3], kernel_ceil_div(shape[2], side)
    width, total = BLOCK_BYTES // x.itemsize, kernel_ceil_div(shape[1], side) * per_row * cases
    panel = (summed + 1) * width
    layout = PointLayout(kernel_ceil_div(step, width) * panel + width, panel, width)
    out = ProductLayout(together * ROWS * pixels.shape[2] + width, pixels.shape[2])
    unit = width if step % width == 0 else VECTOR_BYTES // x.itemsize  # that threads share
    group_units = kernel_ceil_div(total, unit)
    whole = cases * x.itemsize % BLOCK_BYTES == 0 and address(y) % VECTOR_BYTES == 0
    streams = whole and step % width == 0 and y.size * y.itemsize >= STREAM_BYTES
    threads = tables.shape[0]
    for thread in prange(threads):
        own, results = address(points[thread]), address(products[thread])
        done, end = part_range(groups * group_units, thread, threads)
        while done < end:
            group, first = done // group_units, done % group_units * unit
            units = min(step // unit, end - done, group_units - done % group_units)
            count = min(units * unit, total - first)
            done += units
            columns = Columns(first, count, per_row)
            transform_pixels(
                x, group * channels, channels, 0, summed, tiling, columns, settings.padding,
                tables[thread], pixels[thread], sources[thread], own, layout,
                settings.input_transform,
            )  # fmt: skip
            for start in range(0, blocks, together):
                stop, row = min(start + together, blocks), start * ROWS
                _multiply(
                    packed[group], start, stop, summed, own, layout, results, out, count
                )  # fmt: skip
                _store(
                    results, out, min(rows, stop * ROWS) - row, outputs[thread], y, shape,
                    group * rows + row, columns, tiling, settings, epilogue, streams,
                )  # fmt: skip
        fence()


def run(
    how: Correlation, x: np.ndarray, w: np.ndarray, y: np.ndarray, arrays: list[np.ndarray]
) -> None:
    """y (+)= the correlation of x with filters w (C, K, K, F).  arrays: scratch as of `parts`."""
    packed, filters, filter_points, *own = arrays
    tiling, dtype = how.tiling, x.dtype
    transform = address_of("filter", tiling.side, tiling.size, dtype)
    with preparing():
        pack(w, packed, filters, filter_points, tiling, how.rotated, transform)
    settings = Settings(
        how.padding,
        rows=w.shape[0] if how.rotated else w.shape[3] // how.groups,
        columns=columns_per_task(_columns(tiling, y.shape), dtype, len(own[0])),
        together=min(_TOGETHER, packed.shape[2]),
        accumulate=how.accumulate,
        input_transform=address_of("input", tiling.side, 0, dtype),
        output_transform=address_of("output", tiling.side, tiling.size, dtype),
    )
    correlate(x, packed, y.reshape(-1), y.shape, *own, tiling, settings, how.epilogue)
