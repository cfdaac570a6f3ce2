"""Directed rounding of sums that are known exactly, and the error-free transformations for them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Singles = NDArray[np.float32]


def two_sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """Return the sum, rounded to nearest, and its error: exactly a + b together.

    Knuth, The Art of Computer Programming 2, 4.2.2, theorem B; no sum may overflow.
    """
    total = a + b
    second = total - a
    return total, (a - (total - second)) + (b - second)


def narrowed(high: Doubles, low: Doubles, mode: str) -> Any:
    """Return high + low rounded to float32; mode: "rz", "rm" or "rp".

    low: no more than half a unit in the last place of `high`; only its sign matters.  The nearest
    float32 of `high` is compared with the exact sum: their difference is that of `high`, which is
    exact and larger than `low`, or `low` where that is zero.
    """
    near = np.asarray(high).astype(np.float32)
    rest = high - near.astype(np.float64)
    return directed(near, np.where(rest != 0, rest, low), mode)


def directed(near: Any, error: Any, mode: str) -> Any:
    """Return a nearest value, or its neighbor if that is where a rounding mode goes.

    error: of the sign of the exact value less `near`; a NaN counts as exact.
    """
    kind = near.dtype.type
    if mode == "rm":
        return np.where(error < 0, np.nextafter(near, kind(-np.inf)), near)
    if mode == "rp":
        return np.where(error > 0, np.nextafter(near, kind(np.inf)), near)
    if mode != "rz":
        raise ValueError(f"rounding mode {mode!r}")
    beyond = ((error < 0) & (near > 0)) | ((error > 0) & (near < 0))
    return np.where(beyond, np.nextafter(near, kind(0)), near)
