"""Shifts and operations on bits and bytes (PTX manual, 9.7.1 and 9.7.8)."""

from typing import Any

import numpy as np

__all__ = [
    "bfe",
    "bfi",
    "brev",
    "clz",
    "funnel",
    "joined",
    "lop3",
    "parts",
    "permute",
    "popc",
    "shift_left",
    "shift_right",
]

_REVERSED = np.array([int(f"{i:08b}"[::-1], 2) for i in range(256)], np.uint8)


def shift_left(a: Any, count: Any) -> Any:
    """Return a << count; counts of the width or more give 0."""
    return np.left_shift(a, _count(a, count))


def shift_right(a: Any, count: Any) -> Any:
    """Return a >> count; counts of the width or more leave zeros, or the sign of a signed type."""
    return np.right_shift(a, _count(a, count))


def _count(a: Any, count: Any) -> Any:
    """Return a count of the type of `a`.  NumPy shifts by the width or more as PTX does."""
    a = np.asarray(a)
    return np.minimum(count, np.uint32(8 * a.dtype.itemsize)).astype(a.dtype)


def funnel(low: Any, high: Any, count: Any, left: bool, wrap: bool) -> Any:
    """Return a word of high:low shifted (`shf`); counts above 32 wrap or are 32."""
    count = count & np.uint32(31) if wrap else np.minimum(count, np.uint32(32))
    count, half = np.asarray(count).astype(np.uint64), np.uint64(32)
    both = np.asarray(high).astype(np.uint64) << half | np.asarray(low).astype(np.uint64)
    return np.asarray((both << count) >> half if left else both >> count).astype(np.uint32)


def bfe(a: Any, start: Any, length: Any) -> Any:
    """Return the bit field of `a`, extended by its own highest bit if the type is signed."""
    a = np.asarray(a)
    bits = 8 * a.dtype.itemsize
    moved = shift_right(a, start & np.uint32(255))
    rest = np.uint32(bits) - np.minimum(length & np.uint32(255), np.uint32(bits))
    return shift_right(shift_left(moved, rest), rest)


def bfi(a: Any, b: Any, start: Any, length: Any) -> Any:
    """Return `b` with a bit field replaced by the low bits of `a`."""
    a, b = np.asarray(a), np.asarray(b)
    start, one = start & np.uint32(255), np.ones_like(b)
    mask = shift_left(shift_left(one, length & np.uint32(255)) - one, start)
    return (b & ~mask) | (shift_left(a, start) & mask)


def permute(a: Any, b: Any, selection: Any) -> Any:
    """Return four bytes picked from b:a (`prmt`); bit 3 of a selector repeats the byte's sign."""
    both = np.asarray(b).astype(np.uint64) << np.uint64(32) | np.asarray(a).astype(np.uint64)
    selection, found = np.asarray(selection).astype(np.uint64), np.uint64(0)
    for i in range(4):
        selector = selection >> np.uint64(4 * i)
        byte = both >> (selector & np.uint64(7)) * np.uint64(8) & np.uint64(255)
        sign = (byte >> np.uint64(7)) * np.uint64(255)
        found = found | np.where(selector & np.uint64(8), sign, byte) << np.uint64(8 * i)
    return np.asarray(found).astype(np.uint32)


def lop3(a: Any, b: Any, c: Any, table: int) -> Any:
    """Return the logical operation whose value for bits a, b, c is bit 4 a + 2 b + c of `table`."""
    found = np.zeros_like(np.asarray(a & b & c))
    for i in range(8):
        if table >> i & 1:
            found = found | ((a if i & 4 else ~a) & (b if i & 2 else ~b) & (c if i & 1 else ~c))
    return found


def brev(a: Any) -> Any:
    """Return the bits in reverse order."""
    a = np.ascontiguousarray(a)
    reverse = _REVERSED[a.reshape(-1, 1).view(np.uint8)[:, ::-1]]
    return np.ascontiguousarray(reverse).view(a.dtype).reshape(a.shape)


def clz(a: Any) -> Any:
    """Return the number of leading zeros."""
    a = np.asarray(a)
    if a.dtype.itemsize == 8:
        high = (a >> np.uint64(32)).astype(np.uint32)
        low = np.uint32(32) + clz((a & np.uint64(0xFFFFFFFF)).astype(np.uint32))
        return np.where(high != 0, clz(high), low).astype(np.uint32)
    # float64 holds 32 bits exactly: its exponent is the number of bits.
    return (32 - np.frexp(a.astype(np.float64))[1]).astype(np.uint32)


def popc(a: Any) -> Any:
    """Return the number of bits that are set."""
    return np.bitwise_count(a).astype(np.uint32)


def parts(a: Any, dtype: Any) -> Any:
    """Return values split into parts of a smaller type, the lowest first, on a new last axis."""
    return np.asarray(a)[..., np.newaxis].view(dtype)


def joined(values: tuple[Any, ...], dtype: Any) -> Any:
    """Return values of a larger type made from their parts, the lowest first."""
    return np.stack(np.broadcast_arrays(*values), axis=-1).view(dtype)[..., 0]
