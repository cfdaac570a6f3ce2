"""The nearest of many vectors by Euclidean distance (paper, 6.1), in one pass over a mapped file.

|q - x|² = |q|² - 2 q·x + |x|²: a block of vectors is multiplied with all queries at once by BLAS.
Such a difference of large numbers is inexact, so it only chooses candidates, whose distances are
then taken in float64.
"""

from dataclasses import dataclass

import numpy as np

from convnet.search.kernels import keep_nearest, products, squares

BLOCK_BYTES = 16 << 20  # stays in a processor's third cache between the products and the squares
# Up to so many queries BLAS has little to do, and its threads, which wait for the next product by
# spinning, take the processor from Numba's.
FEW = 32
_SPARE = 32  # candidates beyond those that are wanted


@dataclass(frozen=True)
class Nearest:
    """indices int64 and distances float64, (queries, count), the nearest first."""

    indices: np.ndarray
    distances: np.ndarray


def nearest(
    queries: np.ndarray, vectors: np.ndarray, count: int, on_block=lambda done, total: None
) -> Nearest:
    """The `count` nearest of `vectors` (cases, values) to each of `queries` (queries, values).

    float32, both; `vectors` may be mapped from a file and larger than the memory.  All are returned
    if there are fewer.  Equal distances: the lower index first.  on_block: is told vectors done.
    """
    count = min(count, len(vectors))
    indices, distances, doubtful = _search(queries, vectors, count, np.float32, on_block)
    if doubtful.any():
        again = _search(queries[doubtful], vectors, count, np.float64, on_block)
        indices[doubtful], distances[doubtful] = again[:2]
    return Nearest(indices, distances)


def _search(queries, vectors, count, real, on_block):
    """(indices, distances, whether a query's candidates may lack one of the nearest)"""
    kept = min(len(vectors), 2 * count + _SPARE)
    estimates, candidates = _candidates(queries.astype(real), vectors, kept, on_block)
    pairs = zip(queries, candidates, strict=True)
    exact = np.stack([_squared(query, vectors[chosen]) for query, chosen in pairs])
    # The error that is seen at the candidates stands for that of the others.
    norms = np.square(queries.astype(np.float64)).sum(axis=1)
    error = np.abs(estimates + norms[:, None] - exact).max(axis=1)
    order = np.lexsort((candidates, exact))[:, :count]
    chosen = np.take_along_axis(exact, order, 1)
    doubtful = estimates[:, -1] + norms - 4 * error < chosen[:, -1]
    doubtful &= kept < len(vectors)
    return np.take_along_axis(candidates, order, 1), np.sqrt(chosen), doubtful


def _candidates(queries, vectors, count, on_block):
    """|x|² - 2 q·x of the `count` least and their indices, (queries, count), the least first."""
    best = np.full((len(queries), count), np.inf, queries.dtype)
    indices = np.zeros((len(queries), count), np.int64)
    rows = max(16, BLOCK_BYTES // (vectors.shape[1] * vectors.itemsize))
    for first in range(0, len(vectors), rows):
        block = np.asarray(vectors[first : first + rows], queries.dtype)
        found = products(block, queries) if len(queries) <= FEW else block @ queries.T
        keep_nearest(found, squares(block), first, best, indices)
        on_block(min(first + rows, len(vectors)), len(vectors))
    return best, indices


def _squared(query, vectors) -> np.ndarray:
    return np.square(vectors.astype(np.float64) - query).sum(axis=1)
