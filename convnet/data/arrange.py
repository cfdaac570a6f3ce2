"""The kernel that turns images into a network's input: crop, flip, subtract, cases innermost.

One thread, without Python's lock, so that a feeding thread runs beside the network's kernels.
(Two parallel Numba kernels at once would abort the process under some of its thread pools.)
"""

import numba
import numpy as np

_CASES = 16  # one cache line of the output; as many rows of images are read at a time


@numba.njit(nogil=True, cache=True, error_model="numpy")
def arrange(images, starts, flips, mean, out):
    """out[c, y, x, n] = crop of image n at starts[n] = (y, x), mirrored if flips[n], minus mean.

    images (N, C, H, W) uint8 or float32; starts (N, 2) int64; flips (N,) bool; mean (C, M, M) and
    out (C, M, M, N) float32.
    """
    N, C = images.shape[:2]
    M = out.shape[1]
    # Rows are turned in a tile that stays in the first cache: columns of `out` itself would all
    # fall on the same few lines of it.
    tile = np.empty((M, _CASES), np.float32)
    for c in range(C):
        for y in range(M):
            for first in range(0, N, _CASES):
                cases = min(_CASES, N - first)
                for k in range(cases):
                    n = first + k
                    start = starts[n, 1]
                    row = images[n, c, starts[n, 0] + y, start : start + M]
                    if flips[n]:
                        for x in range(M):
                            tile[M - 1 - x, k] = np.float32(row[x])
                    else:
                        for x in range(M):
                            tile[x, k] = np.float32(row[x])
                for x in range(M):
                    for k in range(cases):
                        out[c, y, x, first + k] = tile[x, k] - mean[c, y, x]
