"""Curves as plots show them: a moving average, and few enough points."""

import numpy as np
import numpy.typing as npt

MOST_POINTS = 1500  # of a curve; more are averaged in equal shares
_SHARE = 40  # the window is a fortieth of the curve


def smoothed(values: npt.ArrayLike, window: int | None = None) -> np.ndarray:
    """Return a centered moving average, float64; near the ends, over fewer values.

    window: how many values; by default a fortieth of them.
    """
    found = np.asarray(values, np.float64)
    half = (len(found) // _SHARE if window is None else window) // 2
    if half < 1:
        return found
    places = np.arange(len(found))
    first, last = np.maximum(places - half, 0), np.minimum(places + half + 1, len(found))
    # Sums of differences from the mean: a sum from the beginning would lose digits.
    middle = found.mean()
    sums = np.concatenate([[0.0], np.cumsum(found - middle)])
    return middle + (sums[last] - sums[first]) / (last - first)


def thinned(values: npt.ArrayLike) -> np.ndarray:
    """Return at most MOST_POINTS values, float64: the means of equal shares."""
    found = np.array(values, np.float64)
    if len(found) <= MOST_POINTS:
        return found
    edges = np.arange(MOST_POINTS + 1) * len(found) // MOST_POINTS
    return np.add.reduceat(found, edges[:-1]) / np.diff(edges)
