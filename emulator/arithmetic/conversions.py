"""Conversions between types (PTX manual, 9.7.9.21)."""

from typing import Any

import numpy as np

from emulator.arithmetic.rounding import directed, narrowed, two_sum

__all__ = [
    "bf16_pair",
    "from_bf16",
    "integer_to_float",
    "narrow",
    "to_bf16",
    "to_integer",
    "to_tf32",
]

_WHOLE = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}


def to_integer(a: Any, dtype: Any, mode: str) -> Any:
    """Return integers, rounded as "rni", "rzi", "rmi" or "rpi" says and limited to the type.

    NaN gives 0, but from float64 or to a type of 64 bits it gives only the highest bit.
    """
    a, limits = np.asarray(a), np.iinfo(dtype)
    whole = _WHOLE[mode](a.astype(np.float64))
    low, beyond = float(limits.min), float(limits.max + 1)
    inside = (whole >= low) & (whole < beyond)
    found = np.where(inside, whole, 0.0).astype(dtype)
    found = np.where(whole >= beyond, dtype(limits.max), found)
    found = np.where(whole < low, dtype(limits.min), found)
    if a.dtype == np.float64 or limits.bits == 64:
        highest = dtype(limits.min if limits.min else 1 << limits.bits - 1)
        found = np.where(np.isnan(whole), highest, found)
    return found


def integer_to_float(a: Any, dtype: Any, mode: str) -> Any:
    """Return integers as float32 or float64 with mode "rz", "rm" or "rp"."""
    a = np.asarray(a)
    if a.dtype.itemsize < 8:
        high, low = a.astype(np.float64), np.zeros(a.shape)
    else:  # both halves are exact in float64, and so is their sum in two parts
        upper = (a >> a.dtype.type(32)).astype(np.float64) * 4294967296.0
        high, low = two_sum(upper, (a & a.dtype.type(0xFFFFFFFF)).astype(np.float64))
    return narrowed(high, low, mode) if dtype is np.float32 else directed(high, low, mode)


def narrow(a: Any, mode: str) -> Any:
    """Return float64 values as float32 with mode "rz", "rm" or "rp"."""
    return narrowed(np.asarray(a), np.zeros_like(a), mode)


def to_bf16(a: Any, mode: str = "rn") -> Any:
    """Return the bits of float32 values as bfloat16, in uint16; mode: "rn" or "rz"."""
    a = np.asarray(a)
    bits, half = a.view(np.uint32), np.uint32(16)
    if mode == "rn":  # to nearest, ties to even
        bits = bits + (np.uint32(0x7FFF) + (bits >> half & np.uint32(1)))
    return np.where(a == a, bits >> half, np.uint32(0x7FFF)).astype(np.uint16)


def from_bf16(bits: Any) -> Any:
    """Return the float32 values of bfloat16 bits."""
    return (np.asarray(bits).astype(np.uint32) << np.uint32(16)).view(np.float32)


def bf16_pair(high: Any, low: Any, mode: str = "rn") -> Any:
    """Return two float32 values as a pair of bfloat16, the first in the upper half."""
    upper = to_bf16(high, mode).astype(np.uint32) << np.uint32(16)
    return upper | to_bf16(low, mode).astype(np.uint32)


def to_tf32(a: Any) -> Any:
    """Return the bits of float32 values rounded to tf32's 10 bits, ties away from 0 (`rna`)."""
    a = np.asarray(a)
    bits = (a.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    return np.where(
        np.isfinite(a), bits, np.where(a == a, a.view(np.uint32), np.uint32(0x7FFFFFFF))
    )
