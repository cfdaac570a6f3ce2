"""Kernels of the exact search, on all cores: norms, products, the least of many distances."""

import numba
import numpy as np

from convnet.compiling.kernels import kernel


@kernel(parallel=True, fastmath=True)
def squares(vectors):
    """Return |x|² of each row, in the rows' type."""
    out = np.empty(len(vectors), vectors.dtype)
    for i in numba.prange(len(vectors)):
        total = vectors[i, 0] * 0
        for j in range(vectors.shape[1]):
            total += vectors[i, j] * vectors[i, j]
        out[i] = total
    return out


@kernel(parallel=True, fastmath=True)
def products(vectors, queries):
    """Return x·q for each row and query: (rows, queries)."""
    out = np.empty((len(vectors), len(queries)), vectors.dtype)
    for i in numba.prange(len(vectors)):
        for q in range(len(queries)):
            total = vectors[i, 0] * 0
            for j in range(vectors.shape[1]):
                total += vectors[i, j] * queries[q, j]
            out[i, q] = total
    return out


@kernel(parallel=True)
def keep_nearest(found, norms, first, best, indices):
    """Insert the vectors of a block that are near enough into the sorted lists of the nearest.

    found (block, queries): x·q.  norms (block,): |x|².  first: index of the block's first vector.
    best, indices (queries, kept): the least |x|² - 2 q·x, ascending, and their vectors' indices.
    """
    last = best.shape[1] - 1
    for q in numba.prange(len(best)):
        for j in range(len(found)):
            estimate = norms[j] - 2 * found[j, q]
            if estimate < best[q, last]:
                place = last
                while place > 0 and best[q, place - 1] > estimate:
                    best[q, place] = best[q, place - 1]
                    indices[q, place] = indices[q, place - 1]
                    place -= 1
                best[q, place] = estimate
                indices[q, place] = first + j
