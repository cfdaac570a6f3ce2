"""The kernels that turn images into a network's input: crop, flip, subtract, cases innermost.

One thread, without Python's lock, so that a feeding thread runs beside the network's kernels.
(Two parallel Numba kernels at once would abort the process under some of its thread pools.)
"""

import numba
import numpy as np

# Images whose rows are turned at a time.  More make longer runs in `out`; the tile that they are
# turned in (115 KB for rows of 224 pixels) must stay in the second cache.
_CASES = 128
_compiled = numba.njit(nogil=True, cache=True, error_model="numpy")


def arrange(images, starts, flips, mean, out, shifts=None, factor=1.0):
    """out[c, y, x, n] = (crop of image n at starts[n] - mean + shifts[c, n]) * factor.

    images (N, C, H, W) uint8 or float32, or (N, H, W) uint32 with channel c in the byte of value
    256**c; starts (N, 2) int64, (y, x); flips (N,) bool, crops to mirror; mean (C, M, M) float32,
    which is not mirrored; shifts (C, N) float32, none if None; out (C, M, M, N) float32.
    """
    if shifts is None:
        shifts = np.zeros((len(out), len(images)), np.float32)
    kernel = _arrange_packed if images.ndim == 3 else _arrange_planes
    kernel(images, starts, flips, mean, shifts, np.float32(factor), out)


@_compiled
def _arrange_planes(images, starts, flips, mean, shifts, factor, out):
    C, M, _, N = out.shape
    # Rows are turned in a tile that stays in a cache: columns of `out` itself would all fall on the
    # same few lines of it.
    tile = np.empty((M, min(_CASES, N)), np.float32)
    for c in range(C):
        for y in range(M):
            for first in range(0, N, _CASES):
                last = min(first + _CASES, N)
                added = shifts[c, first:last]
                for n in range(first, last):
                    row = images[n, c, starts[n, 0] + y, starts[n, 1] : starts[n, 1] + M]
                    _turn(row, flips[n], tile, n - first)
                for x in range(M):
                    values, row, subtracted = tile[x], out[c, y, x, first:last], mean[c, y, x]
                    for k in range(last - first):
                        row[k] = (values[k] - subtracted + added[k]) * factor


@_compiled
def _arrange_packed(images, starts, flips, mean, shifts, factor, out):
    """As above, but all channels of a row are turned at once."""
    C, M, _, N = out.shape
    tile = np.empty((M, min(_CASES, N)), np.int32)
    for y in range(M):
        for first in range(0, N, _CASES):
            last = min(first + _CASES, N)
            for n in range(first, last):
                row = images[n, starts[n, 0] + y, starts[n, 1] : starts[n, 1] + M]
                _turn(row, flips[n], tile, n - first)
            for c in range(C):
                _store(tile, 8 * c, mean[c, y], shifts[c, first:last], factor, out[c, y], first)


@_compiled
def _turn(row, flip, tile, k):
    """A row becomes column k of the tile."""
    M = len(row)
    if flip:
        for x in range(M):
            tile[M - 1 - x, k] = row[x]
    else:
        for x in range(M):
            tile[x, k] = row[x]


@_compiled
def _store(tile, shift, mean, shifts, factor, out, first):
    """out[x, first + k] from the byte `shift` bits up in tile[x, k]."""
    cases = len(shifts)
    for x in range(len(out)):
        pixels, row, subtracted = tile[x], out[x, first : first + cases], mean[x]
        for k in range(cases):
            value = np.float32((pixels[k] >> np.int32(shift)) & np.int32(255))
            row[k] = (value - subtracted + shifts[k]) * factor
