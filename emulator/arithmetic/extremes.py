"""Minimum and maximum of floating-point values (PTX manual, 9.7.3.11 and 9.7.3.12).

Unlike NumPy's, they take -0 for less than +0.
"""

from typing import Any

import numpy as np

__all__ = ["largest", "smallest"]

_BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64}
_CANONICAL = {np.dtype(np.float32): 0x7FFFFFFF, np.dtype(np.float64): 0x7FF8000000000000}


def smallest(a: Any, b: Any, nan: bool = False) -> Any:
    """Return the smaller values; of a NaN and a number the number, or with `nan` a NaN."""
    return _extreme(np.fmin, np.bitwise_or, a, b, nan)


def largest(a: Any, b: Any, nan: bool = False) -> Any:
    """Return the larger values; of a NaN and a number the number, or with `nan` a NaN."""
    return _extreme(np.fmax, np.bitwise_and, a, b, nan)


def _extreme(function: Any, of_equals: Any, a: Any, b: Any, nan: bool) -> Any:
    a, b = np.asarray(a), np.asarray(b)
    bits: Any = _BITS[a.dtype.itemsize]
    # Equal values differ at most in the sign of a zero: "or" keeps a minus, "and" drops it.
    equals = of_equals(a.view(bits), b.view(bits)).view(a.dtype)
    found = np.where(a == b, equals, function(a, b))
    unordered = (a != a) | (b != b) if nan else (a != a) & (b != b)
    return np.where(unordered, bits(_CANONICAL[a.dtype]).view(a.dtype), found)
