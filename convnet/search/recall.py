"""How much of an exact search a coded one finds."""

import numpy as np


def recall_at(exact: np.ndarray, found: np.ndarray, lengths) -> dict[int, float]:
    """Length -> share of the exact results (queries, k) among so many of the first found.

    found: (queries, n), the nearest first, n at least the largest length.
    """
    hits = np.array([np.isin(mine, wanted) for mine, wanted in zip(found, exact, strict=True)])
    return {length: float(hits[:, :length].sum() / exact.size) for length in lengths}


def same_class(labels: np.ndarray, of_queries: np.ndarray, indices: np.ndarray) -> float:
    """Share of the cases at `indices` (queries, k) that are of their query's class."""
    return float((labels[indices] == of_queries[:, None]).mean())
