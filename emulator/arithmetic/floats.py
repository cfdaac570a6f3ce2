"""Floating point: directed rounding in float32, saturation, flushing (PTX manual, 9.7.3)."""

from typing import Any

import numpy as np

from emulator.arithmetic.fused import fma
from emulator.arithmetic.rounding import Doubles, Singles, narrowed, two_sum

__all__ = [
    "added",
    "divided",
    "flushed",
    "fused",
    "is_normal",
    "is_subnormal",
    "multiplied",
    "root",
    "saturated",
]


def added(a: Singles, b: Singles, mode: str) -> Any:
    """Return a + b with mode "rz", "rm" or "rp"."""
    return _sum(_wide(a), _wide(b), mode)


def multiplied(a: Singles, b: Singles, mode: str) -> Any:
    """Return a * b with mode "rz", "rm" or "rp"; float64 holds the product exactly."""
    product = _wide(a) * _wide(b)
    return narrowed(product, np.zeros_like(product), mode)


def fused(a: Singles, b: Singles, c: Singles, mode: str) -> Any:
    """Return a * b + c, rounded once, with mode "rz", "rm" or "rp"."""
    return _sum(_wide(a) * _wide(b), _wide(c), mode)


def _sum(a: Doubles, b: Doubles, mode: str) -> Any:
    found = narrowed(*two_sum(a, b), mode)
    if mode == "rm":  # a sum that cancels is -0 (IEEE 754, 6.3)
        negative = (a + b == 0) & (np.signbit(a) | np.signbit(b))
        found = np.where(negative, np.float32(-0.0), found)
    return found


def divided(a: Singles, b: Singles, mode: str) -> Any:
    """Return a / b with mode "rz", "rm" or "rp"; the sign of the remainder decides."""
    above, below = _wide(a), _wide(b)
    quotient = above / below
    remainder = fma(-quotient, below, above)
    return narrowed(quotient, np.copysign(1, below) * remainder, mode)


def root(a: Singles, mode: str) -> Any:
    """Return the square root with mode "rz", "rm" or "rp"."""
    wide = _wide(a)
    found = np.sqrt(wide)
    return narrowed(found, fma(-found, found, wide), mode)


def saturated(a: Any) -> Any:
    """Return values limited to 0 ... 1 (`.sat`); NaN gives +0."""
    a = np.asarray(a)
    return np.where(a > 0, np.minimum(a, a.dtype.type(1)), a.dtype.type(0))


def flushed(a: Any) -> Any:
    """Return values with subnormal ones replaced by zeros of their sign (`.ftz`)."""
    a = np.asarray(a)
    return np.where(np.abs(a) < np.finfo(a.dtype).tiny, np.copysign(a.dtype.type(0), a), a)


def is_normal(a: Any) -> Any:
    """Return where values are neither zero, subnormal, infinite nor NaN."""
    return (np.abs(a) >= np.finfo(a.dtype).tiny) & np.isfinite(a)


def is_subnormal(a: Any) -> Any:
    """Return where values are subnormal."""
    return (np.abs(a) < np.finfo(a.dtype).tiny) & (a != 0)


def _wide(a: Singles) -> Doubles:
    return np.asarray(a).astype(np.float64)
