"""Find the nearest of many vectors by Euclidean distance (paper, 6.1), in one pass over a file.

|q - x|² = |q|² - 2 q·x + |x|²: BLAS multiplies a block of vectors with all queries at once.  Such a
difference of large numbers is inexact, so it only selects candidates, whose distances are then
computed in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convnet.search.kernels import keep_nearest, products, squares

BLOCK_BYTES = 16 << 20  # stays in a third-level cache between the products and the squares
# Up to this many queries, BLAS has little work, and its threads, which spin while they wait for the
# next product, take processor time from Numba's.
FEW = 32
_SPARE = 32  # candidates beyond those that are requested


@dataclass(frozen=True)
class Nearest:
    """indices int64 and distances float64, (queries, count), the nearest first."""

    indices: np.ndarray
    distances: np.ndarray


OnBlock = Callable[[int, int], None]  # vectors done, their total


def nearest(
    queries: np.ndarray,
    vectors: np.ndarray,
    count: int,
    on_block: OnBlock = lambda done, total: None,
) -> Nearest:
    """Return the `count` nearest of `vectors` to each of `queries`.

    queries: float32 (queries, values).  vectors: float32 (cases, values), which may be mapped from
    a file and larger than memory.  If there are fewer than `count`, all are returned.  Of equal
    distances the lower index comes first.
    """
    count = min(count, len(vectors))
    indices, distances, doubtful = _search(queries, vectors, count, np.float32, on_block)
    if doubtful.any():
        again = _search(queries[doubtful], vectors, count, np.float64, on_block)
        indices[doubtful], distances[doubtful] = again[:2]
    return Nearest(indices, distances)


def _search(
    queries: np.ndarray, vectors: np.ndarray, count: int, real: Any, on_block: OnBlock
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (indices, distances, whether a query's candidates may lack one of the nearest)."""
    kept = min(len(vectors), 2 * count + _SPARE)
    estimates, candidates = _candidates(queries.astype(real), vectors, kept, on_block)
    pairs = zip(queries, candidates, strict=True)
    exact = np.stack([_squared(query, vectors[chosen]) for query, chosen in pairs])
    # The error at the candidates is taken as that of all other vectors too.
    norms = np.square(queries.astype(np.float64)).sum(axis=1)
    error = np.abs(estimates + norms[:, None] - exact).max(axis=1)
    order = np.lexsort((candidates, exact))[:, :count]
    chosen = np.take_along_axis(exact, order, 1)
    doubtful = estimates[:, -1] + norms - 4 * error < chosen[:, -1]
    doubtful &= kept < len(vectors)
    return np.take_along_axis(candidates, order, 1), np.sqrt(chosen), doubtful


def _candidates(
    queries: np.ndarray, vectors: np.ndarray, count: int, on_block: OnBlock
) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` least |x|² - 2 q·x, ascending, and their indices: (queries, count)."""
    best = np.full((len(queries), count), np.inf, queries.dtype)
    indices = np.zeros((len(queries), count), np.int64)
    rows = max(16, BLOCK_BYTES // (vectors.shape[1] * vectors.itemsize))
    for first in range(0, len(vectors), rows):
        block = np.asarray(vectors[first : first + rows], queries.dtype)
        found = products(block, queries) if len(queries) <= FEW else block @ queries.T
        keep_nearest(found, squares(block), first, best, indices)
        on_block(min(first + rows, len(vectors)), len(vectors))
    return best, indices


def _squared(query: np.ndarray, vectors: np.ndarray) -> Any:
    return np.square(vectors.astype(np.float64) - query).sum(axis=1)
