"""The kernels that turn images into a network's input: crop, flip, subtract, cases innermost.

One thread, without Python's lock, so that a feeding thread runs beside the network's kernels.
(Two parallel Numba kernels at once would abort the process under some of its thread pools.)
"""

import numpy as np

from convnet.compiling.kernels import helper, kernel
from convnet.compiling.nontemporal import fence
from convnet.data.pipeline.simd import LANES, finish, stream, turn

# Packed images that are turned at a time.  More make longer runs in `out`, which memory takes
# faster: runs of 256 bytes at nearly its full speed, of 64 bytes at a third of it.
BLOCK = 64
_TILE = 128  # the same for planes; 115 KB for rows of 224 pixels, which stay in the second cache


def arrange(images, starts, flips, mean, out, shifts=None, factor=1.0, first=0):
    """out[c, y, x, first + n] = (crop of image n at starts[n] - mean + shifts[c, n]) * factor.

    images (N, C, H, W) uint8 or float32, or (N, H, W) uint32 with channel c in the byte of value
    256**c; starts (N, 2) int64, (y, x); flips (N,) bool, crops to mirror; mean (C, M, M) float32,
    which is not mirrored; shifts (C, N) float32, none if None; out (C, M, M, cases) float32.
    """
    if shifts is None:
        shifts = np.zeros((len(out), len(images)), np.float32)
    if images.ndim == 3 and len(out[0]) < LANES:
        images = np.stack([(images >> 8 * c & 255).astype(np.uint8) for c in range(len(out))], 1)
    factor = np.float32(factor)
    if images.ndim == 4:
        _arrange_planes(images, starts, flips, mean, shifts, factor, out, first)
        return
    for start in range(0, len(images), BLOCK):
        block = slice(start, start + BLOCK)
        _arrange_block(
            *(images[block], starts[block], flips[block], mean, shifts[:, block], factor, out),
            first + start,
        )


def _arrange_block(images, starts, flips, mean, shifts, factor, out, first):
    """Gives the images' addresses, and arrays of as many columns as whole vectors have."""
    height, width = images.strides[1:]
    rows = images.ctypes.data + images.strides[0] * np.arange(len(images))
    rows += starts @ [height, width] + np.where(flips, width * (len(out[0]) - LANES), 0)
    ways, added = _whole(np.where(flips, -1, 1)), _whole(shifts)
    is_aligned = (out.ctypes.data + 4 * first) % (4 * LANES) == 0 == out.shape[3] % LANES
    places = first, len(images)
    _arrange_packed(_whole(rows), ways, height, mean, added, factor, out, *places, is_aligned)


def _whole(values):
    """Contiguous, with the last column once more, up to whole vectors."""
    more = -values.shape[-1] % LANES
    whole = np.concatenate([values, np.repeat(values[..., -1:], more, axis=-1)], axis=-1)
    return np.ascontiguousarray(whole)


@kernel(nogil=True)
def _arrange_planes(images, starts, flips, mean, shifts, factor, out, start):
    C, M, _, _ = out.shape
    N = len(images)
    # Rows are turned in a tile that stays in a cache: columns of `out` itself would all fall on the
    # same few lines of it.
    tile = np.empty((M, min(_TILE, N)), np.float32)
    for c in range(C):
        for y in range(M):
            for first in range(0, N, _TILE):
                last = min(first + _TILE, N)
                added = shifts[c, first:last]
                for n in range(first, last):
                    row = images[n, c, starts[n, 0] + y, starts[n, 1] : starts[n, 1] + M]
                    _turn(row, flips[n], tile, n - first)
                for x in range(M):
                    values, row, subtracted = tile[x], out[c, y, x, start + first :], mean[c, y, x]
                    for k in range(last - first):
                        row[k] = (values[k] - subtracted + added[k]) * factor


@helper()
def _turn(row, flip, tile, k):
    """A row becomes column k of the tile."""
    M = len(row)
    if flip:
        for x in range(M):
            tile[M - 1 - x, k] = row[x]
    else:
        for x in range(M):
            tile[x, k] = row[x]


@kernel(nogil=True)
def _arrange_packed(rows, ways, height, mean, added, factor, out, first, cases, is_aligned):
    """As above for crops whose first rows, of `height` bytes, begin at addresses (see `turn`).

    All channels of a row are turned at once, in a tile that stays in the second cache.
    """
    C, M, _, _ = out.shape
    tile = np.empty((M, len(rows)), np.int32)
    for y in range(M):
        _turn_rows(rows + y * height, ways, tile)
        for c in range(C):
            target = out[c, y, :, first : first + cases]
            _store(tile, np.int32(8 * c), mean[c, y], added[c], factor, target, is_aligned)
    fence()


@helper()
def _turn_rows(rows, ways, tile):
    """tile[x, n] = pixel x of row n.  The last vector of a row may overlap the one before it."""
    M, columns = tile.shape
    for n in range(0, columns, LANES):
        for x in range(0, M, LANES):
            place = min(x, M - LANES)
            target = tile[place, n:].ctypes.data
            turn(rows[n:].ctypes.data, ways[n:].ctypes.data, 4 * place, target, 4 * columns)


@helper()
def _store(tile, bit, subtracted, added, factor, out, is_aligned):
    """out[x, n] = (byte of tile[x, n] from `bit` on - subtracted[x] + added[n]) * factor."""
    M, N = out.shape
    whole = N // LANES * LANES
    rest = np.empty(LANES, np.float32)
    added_to = added.ctypes.data
    for x in range(M):
        pixels, target, less = tile[x].ctypes.data, out[x].ctypes.data, subtracted[x]
        if is_aligned:
            for n in range(0, 4 * whole, 4 * LANES):
                stream(pixels + n, bit, less, added_to + n, factor, target + n)
        else:
            for n in range(0, 4 * whole, 4 * LANES):
                finish(pixels + n, bit, less, added_to + n, factor, target + n)
        if whole < N:
            n = 4 * whole
            finish(pixels + n, bit, less, added_to + n, factor, rest.ctypes.data)
            out[x, whole:] = rest[: N - whole]
