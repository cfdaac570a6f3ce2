"""Winograd's points of an image's tiles.

Tiles that lie in the image as a whole are read where they are; for others the pixels are gathered
first, zeros among them.
"""

from convnet.backends.cpu.gemm.im2col import gather_channels, list_pieces
from convnet.backends.cpu.jit import piece
from convnet.backends.cpu.microkernel import BLOCK_BYTES, address
from convnet.backends.cpu.winograd.transforms import transform_tile

GATHERED = 8  # channels gathered at a time


@piece
def lies_inside(x, side, stride, first, count, columns_x, outputs, padding):
    """Whether the tiles of all columns [first, first + count) lie in the image as a whole.

    And whether each block of columns belongs to one of them.
    """
    cases, width, reach = x.shape[3], BLOCK_BYTES // x.itemsize, side * stride
    if cases % width or first % width or count % width:
        return False
    for position in range(first // cases, (first + count - 1) // cases + 1):
        y = position // columns_x * outputs * stride - padding
        z = position % columns_x * outputs * stride - padding
        if min(y, z) < 0 or y + reach > x.shape[1] or z + reach > x.shape[2]:
            return False
    return True


@piece
def transform_pixels(
    x, channel, channels, start, stop, way, place, table, pixels, points, layout, transform
):  # fmt: skip
    """points[p * plane + block * panel + c * row + column] = channel c's tiles transformed.

    For the channels [start, stop) of all phases, where a group has `channels`, from `channel` on.
    place = (first column, count, columns_x, padding); layout = (plane, panel, row).
    """
    side, size, stride = way
    first, count, columns_x, padding = place
    outputs, cases, item = side + 1 - size, x.shape[3], x.itemsize
    inside = lies_inside(x, side, stride, first, count, columns_x, outputs, padding)
    if not inside:
        pieces = list_pieces(table, first, count, columns_x, cases, outputs * stride, padding)
    done = start
    while done < stop:
        phase, c = done // channels, done % channels
        run = min(GATHERED, channels - c, stop - done)
        target = points + (done - start) * layout[2] * item
        at = phase // stride, phase % stride
        if inside:
            _transform_image(
                x, channel + c, run, way, at, place, target, layout, transform
            )  # fmt: skip
        else:
            pitch = pixels.shape[1]
            for k in range(side * side):
                r, s = k // side * stride + at[0], k % side * stride + at[1]
                to = address(pixels) + k * run * pitch * item
                gather_channels(
                    x, channel + c, run, table, pieces, r, s, to, pitch * item, pitch * item, 0
                )  # fmt: skip
            _transform_gathered(pixels, run, side, target, layout, transform)
        done += run


@piece
def _transform_gathered(pixels, run, side, target, layout, transform):
    """The tiles of `run` channels, whose pixels were gathered in rows (i, j, channel)."""
    item, pitch = pixels.itemsize, pixels.shape[1]
    plane, panel, row = layout
    for c in range(run):
        for tile in range(pitch * item // BLOCK_BYTES - 1):
            source = address(pixels) + c * pitch * item + tile * BLOCK_BYTES
            to = target + (c * row + tile * panel) * item
            transform_tile(transform, source, side * run * pitch, run * pitch, to, plane)


@piece
def _transform_image(x, channel, run, way, at, place, target, layout, transform):
    """The tiles of `run` channels in one phase, `at` which they begin, where they lie."""
    side, size, stride = way
    first, count, columns_x, padding = place
    plane, panel, row = layout
    item, cases, outputs = x.itemsize, x.shape[3], side + 1 - size
    width, line = BLOCK_BYTES // item, x.shape[2] * cases
    for c in range(run):
        for column in range(0, count, width):
            position, case = (first + column) // cases, (first + column) % cases
            y = position // columns_x * outputs * stride - padding + at[0]
            z = position % columns_x * outputs * stride - padding + at[1]
            source = ((channel + c) * x.shape[1] + y) * line + z * cases + case
            to = target + (c * row + column // width * panel) * item
            transform_tile(
                transform, address(x) + source * item, stride * line, stride * cases, to, plane
            )  # fmt: skip
