"""Measures of a search's results."""

from collections.abc import Iterable

import numpy as np


def recall_at(exact: np.ndarray, found: np.ndarray, lengths: Iterable[int]) -> dict[int, float]:
    """Return, for each length, the share of the exact results among the first `length` found.

    exact: (queries, k).  found: (queries, n), the nearest first, n at least the largest length.
    """
    hits = np.array([np.isin(mine, wanted) for mine, wanted in zip(found, exact, strict=True)])
    return {length: float(hits[:, :length].sum() / exact.size) for length in lengths}


def same_class(labels: np.ndarray, of_queries: np.ndarray, indices: np.ndarray) -> float:
    """Return the share of the cases at `indices` (queries, k) that have their query's class."""
    return float((labels[indices] == of_queries[:, None]).mean())
