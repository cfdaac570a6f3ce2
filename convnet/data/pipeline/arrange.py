"""Kernels that convert images to a network's input: crop, flip, subtract the mean, transpose.

They run in one thread and release the GIL, so that a data thread runs beside the network's kernels.
(Two parallel Numba kernels at once abort the process under some of Numba's threading layers.)
"""

import numpy as np

from convnet.compiling.kernels import helper, kernel
from convnet.compiling.nontemporal import fence
from convnet.data.pipeline.simd import LANES, normalize, normalize_streaming, transpose

# Packed images that are transposed at a time.  Larger blocks write longer runs of `out`: runs of
# 256 bytes reach nearly the full bandwidth of memory, runs of 64 bytes a third of it.
BLOCK = 64
_TILE = 128  # the same for planes; 115 KB for rows of 224 pixels, which fit in the L2 cache


def arrange(
    images: np.ndarray,
    starts: np.ndarray,
    flips: np.ndarray,
    mean: np.ndarray,
    out: np.ndarray,
    shifts: np.ndarray | None = None,
    factor: float = 1.0,
    first: int = 0,
) -> None:
    """Compute out[c, y, x, first + n] = (crop of image n - mean + shifts[c, n]) * factor.

    images  (N, C, H, W) uint8 or float32, or packed, (N, H, W) uint32 with channel c in byte c
    starts  (N, 2) int64: the upper left corner (y, x) of each crop
    flips   (N,) bool: which crops are mirrored
    mean    (C, M, M) float32; it is not mirrored
    out     (C, M, M, cases) float32
    shifts  (C, N) float32; None for zeros
    """
    if shifts is None:
        shifts = np.zeros((len(out), len(images)), np.float32)
    if images.ndim == 3 and len(out[0]) < LANES:
        images = np.stack([(images >> 8 * c & 255).astype(np.uint8) for c in range(len(out))], 1)
    factor, mean = np.float32(factor), mean.view()
    mean.flags.writeable = False  # as that of a checkpoint is: kernels are compiled once for both
    if images.ndim == 4:
        _arrange_planes(images, starts, flips, mean, shifts, factor, out, first)
        return
    for start in range(0, len(images), BLOCK):
        block = slice(start, start + BLOCK)
        crops = images[block], starts[block], flips[block]
        _arrange_block(*crops, mean, shifts[:, block], factor, out, first + start)


def compile_packed() -> None:
    """Compile the kernel for packed images, unless it is on disk, so that processes can load it."""
    images, starts = np.zeros((1, LANES, LANES), np.uint32), np.zeros((1, 2), np.int64)
    mean = np.zeros((3, LANES, LANES), np.float32)
    arrange(images, starts, np.zeros(1, bool), mean, np.empty((*mean.shape, 1), np.float32))


def compile_planes() -> None:
    """Compile the kernel for planes of bytes, unless it is on disk."""
    images, starts = np.zeros((1, 1, 1, 1), np.uint8), np.zeros((1, 2), np.int64)
    mean = np.zeros((1, 1, 1), np.float32)
    arrange(images, starts, np.zeros(1, bool), mean, np.empty((1, 1, 1, 1), np.float32))


def _arrange_block(images, starts, flips, mean, shifts, factor, out, first):
    """Call the kernel with the addresses of the images, and arrays padded to whole vectors."""
    height, width = images.strides[1:]
    rows = images.ctypes.data + images.strides[0] * np.arange(len(images))
    rows += starts @ [height, width] + np.where(flips, width * (len(out[0]) - LANES), 0)
    steps, added = _padded(np.where(flips, -1, 1)), _padded(shifts)
    is_aligned = (out.ctypes.data + 4 * first) % (4 * LANES) == 0 == out.shape[3] % LANES
    places = first, len(images)
    _arrange_packed(_padded(rows), steps, height, mean, added, factor, out, *places, is_aligned)


def _padded(values):
    """Return a contiguous array whose last column is repeated up to whole vectors."""
    more = -values.shape[-1] % LANES
    padded = np.concatenate([values, np.repeat(values[..., -1:], more, axis=-1)], axis=-1)
    return np.ascontiguousarray(padded)


@kernel(nogil=True)
def _arrange_planes(images, starts, flips, mean, shifts, factor, out, start):
    C, M, _, _ = out.shape
    N = len(images)
    # Rows are transposed in a tile that stays in the cache: columns of `out` itself would all map
    # to the same few cache lines.
    tile = np.empty((M, min(_TILE, N)), np.float32)
    for c in range(C):
        for y in range(M):
            for first in range(0, N, _TILE):
                last = min(first + _TILE, N)
                added = shifts[c, first:last]
                for n in range(first, last):
                    row = images[n, c, starts[n, 0] + y, starts[n, 1] : starts[n, 1] + M]
                    _copy_to_column(row, flips[n], tile, n - first)
                for x in range(M):
                    values, row, subtracted = tile[x], out[c, y, x, start + first :], mean[c, y, x]
                    for k in range(last - first):
                        row[k] = (values[k] - subtracted + added[k]) * factor


@helper()
def _copy_to_column(row, flip, tile, k):
    """Copy a row to column k of the tile."""
    M = len(row)
    if flip:
        for x in range(M):
            tile[M - 1 - x, k] = row[x]
    else:
        for x in range(M):
            tile[x, k] = row[x]


@kernel(nogil=True)
def _arrange_packed(rows, steps, height, mean, added, factor, out, first, cases, is_aligned):
    """As `arrange`, for packed crops whose first rows begin at the addresses `rows`.

    height: bytes from one row to the next.  steps: as in `transpose`.  All channels of a row are
    transposed at once, in a tile that stays in the L2 cache.
    """
    C, M, _, _ = out.shape
    tile = np.empty((M, len(rows)), np.int32)
    for y in range(M):
        _transpose_rows(rows + y * height, steps, tile)
        for c in range(C):
            target = out[c, y, :, first : first + cases]
            _store(tile, np.int32(8 * c), mean[c, y], added[c], factor, target, is_aligned)
    fence()


@helper()
def _transpose_rows(rows, steps, tile):
    """Set tile[x, n] = pixel x of row n; a row's last vector may overlap the one before it."""
    M, columns = tile.shape
    for n in range(0, columns, LANES):
        for x in range(0, M, LANES):
            place = min(x, M - LANES)
            target = tile[place, n:].ctypes.data
            transpose(rows[n:].ctypes.data, steps[n:].ctypes.data, 4 * place, target, 4 * columns)


@helper()
def _store(tile, bit, subtracted, added, factor, out, is_aligned):
    """Set out[x, n] = (byte of tile[x, n] from `bit` on - subtracted[x] + added[n]) * factor."""
    M, N = out.shape
    whole = N // LANES * LANES
    rest = np.empty(LANES, np.float32)
    added_to = added.ctypes.data
    for x in range(M):
        pixels, target, less = tile[x].ctypes.data, out[x].ctypes.data, subtracted[x]
        if is_aligned:
            for n in range(0, 4 * whole, 4 * LANES):
                normalize_streaming(pixels + n, bit, less, added_to + n, factor, target + n)
        else:
            for n in range(0, 4 * whole, 4 * LANES):
                normalize(pixels + n, bit, less, added_to + n, factor, target + n)
        if whole < N:
            n = 4 * whole
            normalize(pixels + n, bit, less, added_to + n, factor, rest.ctypes.data)
            out[x, whole:] = rest[: N - whole]
