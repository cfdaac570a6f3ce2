"""Integer products, quotients and remainders of every width (PTX manual, 9.7.1)."""

from typing import Any

import numpy as np

__all__ = ["limited", "multiply_high", "quotient", "remainder"]

_WIDER = {"i2": np.int32, "u2": np.uint32, "i4": np.int64, "u4": np.uint64}


def multiply_high(a: Any, b: Any) -> Any:
    """Return the upper half of each product (`mul.hi`)."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.itemsize == 8:
        return _high_of_64(a, b)
    wide = _WIDER[f"{a.dtype.kind}{a.dtype.itemsize}"]
    return (a.astype(wide) * b.astype(wide) >> wide(8 * a.dtype.itemsize)).astype(a.dtype)


def _high_of_64(a: Any, b: Any) -> Any:
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    first, second = a.view(np.uint64), b.view(np.uint64)
    a_high, a_low, b_high, b_low = first >> half, first & low, second >> half, second & low
    middle = a_high * b_low + (a_low * b_low >> half)
    other = a_low * b_high + (middle & low)
    found = a_high * b_high + (middle >> half) + (other >> half)
    if a.dtype.kind == "i":  # a negative factor counts 2^64 too much of the other one
        zero = np.uint64(0)
        found = found - np.where(a < 0, second, zero) - np.where(b < 0, first, zero)
    return found.view(a.dtype)


def quotient(a: Any, b: Any) -> Any:
    """Return a / b, truncated; by zero, where PTX specifies nothing, all bits are set."""
    a, b = np.asarray(a), np.asarray(b)
    unsigned = np.dtype(f"u{a.dtype.itemsize}")
    if a.dtype.kind == "u":
        found = np.floor_divide(a, np.where(b == 0, b.dtype.type(1), b))
    else:
        found = np.floor_divide(
            _magnitude(a, unsigned), _magnitude(np.where(b == 0, 1, b), unsigned)
        )
        found = np.where((a < 0) != (b < 0), np.negative(found), found)
    return np.where(b == 0, np.iinfo(unsigned).max, found).astype(unsigned).view(a.dtype)


def remainder(a: Any, b: Any) -> Any:
    """Return a - (a / b) * b, of the sign of `a`; of a division by zero, a."""
    a, b = np.asarray(a), np.asarray(b)
    return (a - quotient(a, b) * b).astype(a.dtype)


def _magnitude(a: Any, unsigned: np.dtype[Any]) -> Any:
    bits = a.astype(unsigned)
    return np.where(a < 0, np.negative(bits), bits)


def limited(a: Any, dtype: Any) -> Any:
    """Return integers limited to the range of another integer type (`cvt.sat`)."""
    a = np.asarray(a)
    limits, own = np.iinfo(dtype), np.iinfo(a.dtype)
    low, high = max(limits.min, own.min), min(limits.max, own.max)
    return np.clip(a, a.dtype.type(low), a.dtype.type(high)).astype(dtype)
