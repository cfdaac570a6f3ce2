"""The input transform: the points of an image's tiles.

The transform reads each pixel of a tile, for a block of columns, at an address of its own.  Where
the cases are whole blocks these are addresses in the image, or for pixels outside of it that of a
block of zeros.  Otherwise the pixels are gathered first.
"""

from typing import NamedTuple

import numpy as np

from convnet.backends.cpu.gemm.im2col import gather_channels, list_runs
from convnet.backends.cpu.jit import helper, kernel_ceil_div
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    address,
    copy_run,
    zero_bytes,
    zero_run,
)
from convnet.backends.cpu.scratch import Parts
from convnet.backends.cpu.winograd.tiling import Tiling
from convnet.backends.cpu.winograd.transforms import transform_scattered

_GATHERED = 8  # channels that are gathered at a time
_FEW = 8  # cases
_SOURCES, _STEPS, _ZEROS = range(3)  # rows of `sources`


class PointLayout(NamedTuple):
    """Where points are: point p of channel c and a column of a block of columns is scalar number
    p * plane + block * panel + c * row + column."""

    plane: int
    panel: int
    row: int


def pixel_parts(threads: int, tiling: Tiling, pitch: int, dtype: np.dtype, rows: int = 0) -> Parts:
    """Return the scratch of each thread: gathered pixels, at least `rows` of them, and `sources`.

    Sources are the address of each pixel of a tile, in one channel; the steps in bytes to the next
    channel; and a block of zeros.
    """
    return [
        ((threads, max(tiling.points * _GATHERED, rows), pitch), dtype),
        ((threads, 3, max(tiling.points, BLOCK_BYTES // 8)), np.dtype(np.int64)),
    ]


@helper
def transform_pixels(
    x, channel, channels, start, stop, tiling, columns, padding, table, pixels, sources, points,
    layout, transform,
):  # fmt: skip
    """Write the points of channels [start, stop) of all phases.

    A group has `channels`, from `channel` of x on; channel c of phase p is number p * channels + c.
    table, pixels, sources: scratch.  points: the address of the results, as in `layout`.
    transform: the address of the transform's function.
    """
    side, size, stride = tiling
    first, count, per_row = columns
    outputs, cases, item = side + 1 - size, x.shape[3], x.itemsize
    width = BLOCK_BYTES // item
    # Whether each block of columns is of one tile.
    in_place = cases % width == 0 and first % width == 0 and count % width == 0
    # Whether columns are of whole tiles, of few cases each.
    few = not in_place and cases <= _FEW and first % cases == 0 and count % cases == 0
    if in_place:
        zero_bytes(address(sources[_ZEROS]), BLOCK_BYTES)
    elif not few:
        runs = list_runs(table, first, count, per_row, cases, outputs * stride, padding)
    done = start
    while done < stop:
        phase, c = done // channels, done % channels
        some = min(channels - c, stop - done)
        if not in_place:
            some = min(some, _GATHERED)
        top, left = phase // stride, phase % stride
        if few:
            corner = top - padding, left - padding
            _gather_few(x, channel + c, some, tiling, corner, columns, pixels)
        elif not in_place:
            _gather_tiles(x, channel + c, some, tiling, (top, left), table, runs, pixels)
        for block in range(0, count, width):
            if in_place:
                position, case = (first + block) // cases, (first + block) % cases
                y = position // per_row * outputs * stride + top - padding
                z = position % per_row * outputs * stride + left - padding
                _point_into_image(x, channel + c, y, z, case, side, stride, sources)
            else:
                _point_into_pixels(pixels, block, side, some, sources)
            to = points + ((done - start) * layout.row + block // width * layout.panel) * item
            for _ in range(some):
                transform_scattered(transform, address(sources), to, layout.plane)
                to += layout.row * item
                for k in range(side * side):
                    sources[_SOURCES, k] += sources[_STEPS, k]
        done += some


@helper
def _gather_tiles(x, channel, channels, tiling, corner, table, runs, pixels):
    """pixels[k * channels + c] = pixel k of all columns' tiles, in channel `channel` + c.

    corner: the row and column of the phase.
    """
    side, _, stride = tiling
    pitch = pixels.shape[1] * x.itemsize
    for k in range(side * side):
        r, s = k // side * stride + corner[0], k % side * stride + corner[1]
        to = address(pixels) + k * channels * pitch
        gather_channels(x, channel, channels, table, runs, r, s, to, pitch, pitch, 0)


@helper
def _gather_few(x, channel, channels, tiling, corner, columns, pixels):
    """The same for few cases, where tiles in a row are what a loop has many of.

    corner: the row and column of the first tile's first pixel.  columns: of whole tiles.
    """
    side, size, stride = tiling
    _, height, width, cases = x.shape
    item, pitch = x.itemsize, pixels.shape[1] * x.itemsize
    bytes_, step = cases * item, (side + 1 - size) * stride  # of a pixel; pixels to the next tile
    tile, end, done = columns.first // cases, (columns.first + columns.count) // cases, 0
    while tile < end:
        row, begin = tile // columns.per_row, tile % columns.per_row
        count = min(columns.per_row - begin, end - tile)
        for k in range(side * side):
            y = row * step + corner[0] + k // side * stride
            z = begin * step + corner[1] + k % side * stride  # of the first tile
            low, high = count, count
            if 0 <= y < height:
                low = min(max(kernel_ceil_div(-z, step), 0), count)
                high = max(min(kernel_ceil_div(width - z, step), count), low)
            for c in range(channels):
                to = address(pixels) + (k * channels + c) * pitch + done * bytes_
                start = ((channel + c) * height + y) * width + z
                source = address(x) + start * bytes_
                zero_run(to, low * bytes_)
                for t in range(low, high):
                    copy_run(to + t * bytes_, source + t * step * bytes_, bytes_)
                zero_run(to + high * bytes_, (count - high) * bytes_)
        tile += count
        done += count


@helper
def _point_into_pixels(pixels, column, side, channels, sources):
    """Set the sources to gathered pixels, from a column on."""
    pitch = pixels.shape[1] * pixels.itemsize
    start = address(pixels) + column * pixels.itemsize
    for k in range(side * side):
        sources[_SOURCES, k], sources[_STEPS, k] = start + k * channels * pitch, pitch


@helper
def _point_into_image(x, channel, top, left, case, side, stride, sources):
    """Set the sources to the pixels of the tile whose first is (top, left), from a case on."""
    _, height, width, cases = x.shape
    item = x.itemsize
    image, zeros = height * width * cases * item, address(sources[_ZEROS])
    for i in range(side):
        y = top + i * stride
        row = address(x) + ((channel * height + y) * width * cases + case) * item
        for j in range(side):
            z, k = left + j * stride, i * side + j
            inside = 0 <= y < height and 0 <= z < width
            sources[_SOURCES, k] = row + z * cases * item if inside else zeros
            sources[_STEPS, k] = image if inside else 0
