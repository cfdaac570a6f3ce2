"""The input transform: the points of an image's tiles.

Tiles inside the image are read in place.  For tiles that hang over the border, the pixels are
gathered first, with zeros outside the image.
"""

from typing import NamedTuple

from convnet.backends.cpu.gemm.im2col import gather_channels, list_runs
from convnet.backends.cpu.jit import helper
from convnet.backends.cpu.microkernel import BLOCK_BYTES, address
from convnet.backends.cpu.winograd.transforms import transform_tile

GATHERED = 8  # channels that are gathered at a time


class PointLayout(NamedTuple):
    """Where points are: point p of channel c and a column of a block of columns is scalar number
    p * plane + block * panel + c * row + column."""

    plane: int
    panel: int
    row: int


@helper
def lies_inside(x, tiling, columns, padding):
    """Whether all columns' tiles lie inside the image, and each block of columns is of one tile."""
    cases, width, reach = x.shape[3], BLOCK_BYTES // x.itemsize, tiling.side * tiling.stride
    if cases % width or columns.first % width or columns.count % width:
        return False
    step = (tiling.side + 1 - tiling.size) * tiling.stride
    for position in range(
        columns.first // cases, (columns.first + columns.count - 1) // cases + 1
    ):  # fmt: skip
        top = position // columns.per_row * step - padding
        left = position % columns.per_row * step - padding
        if min(top, left) < 0 or top + reach > x.shape[1] or left + reach > x.shape[2]:
            return False
    return True


@helper
def transform_pixels(
    x, channel, channels, start, stop, tiling, columns, padding, table, pixels, points, layout,
    transform,
):  # fmt: skip
    """Write the points of channels [start, stop) of all phases.

    A group has `channels`, from `channel` of x on; channel c of phase p is number p * channels + c.
    table, pixels: scratch for gathering.  points: the address of the results, as in `layout`.
    transform: the address of the transform's function.
    """
    side, size, stride = tiling
    first, count, per_row = columns
    outputs, cases, item = side + 1 - size, x.shape[3], x.itemsize
    inside = lies_inside(x, tiling, columns, padding)
    if not inside:
        runs = list_runs(table, first, count, per_row, cases, outputs * stride, padding)
    done = start
    while done < stop:
        phase, c = done // channels, done % channels
        some = min(GATHERED, channels - c, stop - done)
        target = points + (done - start) * layout.row * item
        top, left = phase // stride, phase % stride
        if inside:
            corner = top - padding, left - padding
            _transform_image(
                x, channel + c, some, tiling, corner, columns, target, layout, transform
            )  # fmt: skip
        else:
            pitch = pixels.shape[1]
            for k in range(side * side):
                r, s = k // side * stride + top, k % side * stride + left
                to = address(pixels) + k * some * pitch * item
                gather_channels(
                    x, channel + c, some, table, runs, r, s, to, pitch * item, pitch * item, 0
                )  # fmt: skip
            _transform_gathered(pixels, some, side, target, layout, transform)
        done += some


@helper
def _transform_gathered(pixels, channels, side, target, layout, transform):
    """Transform the tiles of some channels, whose pixels are rows (i, j, channel) of `pixels`."""
    item, pitch = pixels.itemsize, pixels.shape[1]
    plane, panel, row = layout
    for c in range(channels):
        for tile in range(pitch * item // BLOCK_BYTES - 1):
            source = address(pixels) + c * pitch * item + tile * BLOCK_BYTES
            to = target + (c * row + tile * panel) * item
            transform_tile(transform, source, side * channels * pitch, channels * pitch, to, plane)


@helper
def _transform_image(x, channel, channels, tiling, corner, columns, target, layout, transform):
    """Transform the tiles of some channels in one phase, in place in the image.

    corner: the first pixel (row, column) of the first tile.
    """
    side, size, stride = tiling
    plane, panel, row = layout
    item, cases, step = x.itemsize, x.shape[3], (side + 1 - size) * stride
    width, line = BLOCK_BYTES // item, x.shape[2] * cases
    for c in range(channels):
        for column in range(0, columns.count, width):
            position = (columns.first + column) // cases
            case = (columns.first + column) % cases
            y = position // columns.per_row * step + corner[0]
            z = position % columns.per_row * step + corner[1]
            source = ((channel + c) * x.shape[1] + y) * line + z * cases + case
            to = target + (c * row + column // width * panel) * item
            transform_tile(
                transform, address(x) + source * item, stride * line, stride * cases, to, plane
            )  # fmt: skip
