"""Approximate instructions, with errors up to what the PTX manual (9.7.3) allows.

The results of hardware are not documented, only bounds of their errors.  A seed draws errors within
the bounds, as a function of the instruction and of its operands, so that a kernel that is executed
again, or replayed by a graph, computes the same bits.  The seed also draws the kind of errors of
each instruction: any, always the largest, always the largest up, or down.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emulator.arithmetic.floats import flushed

Doubles = NDArray[np.float64]


class Approximation(NamedTuple):
    """exact: in float64, of operands in float64.  bound: of the absolute error, of the value and
    the operands.  section: of the PTX manual."""

    exact: Callable[..., Doubles]
    bound: Callable[..., Any]
    section: str


def functions(seed: int | None) -> dict[str, Callable[..., Any]]:
    """Return f(site, *operands) for each instruction; site: which instruction of a kernel."""
    found: dict[str, Callable[..., Any]] = {
        name: partial(approximated, which, seed) for name, which in APPROXIMATIONS.items()
    }
    return found | {
        "div_approx": partial(_divided, seed),
        "rcp_approx_f64": partial(_gross_reciprocal, seed),
    }


def approximated(which: Approximation, seed: int | None, site: int, *operands: Any) -> Any:
    """Return float32 results that differ from the exact ones by no more than the bound."""
    wide = [np.asarray(operand).astype(np.float64) for operand in operands]
    exact = which.exact(*wide)
    nearest = exact.astype(np.float32)
    if seed is None:
        return nearest
    bound = which.bound(exact, *wide)
    found = (exact + errors(seed, site, *operands) * bound).astype(np.float32)
    # Rounding may leave the bound, and NaN, infinities and the tables' zeros have no errors.
    allowed = np.abs(found - exact) <= bound
    return np.where(allowed & (wide[0] != 0), found, nearest)


def errors(seed: int, site: int, *operands: Any) -> Any:
    """Return numbers of -1 ... 1, a function of all arguments."""
    start = (seed * 0x9E3779B97F4A7C15 + site) % 2**64
    kind = _mixed(np.array([start], np.uint64))  # an array: NumPy warns of scalars that overflow
    bits = kind
    for operand in operands:
        word = np.asarray(operand)
        word = word.view(np.uint32 if word.dtype.itemsize == 4 else np.uint64)
        bits = _mixed(bits ^ word.astype(np.uint64))
    uniform = np.asarray(bits >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1
    extreme = np.copysign(1.0, uniform)
    choice = int(kind[0]) >> 62
    return (uniform, extreme, np.ones_like(uniform), -np.ones_like(uniform))[choice]


def _mixed(bits: Any) -> Any:
    """Return 64 bits that each depend on all given ones (the finalizer of SplitMix64)."""
    bits = (bits ^ bits >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ bits >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return bits ^ bits >> np.uint64(31)


def ulp(value: Doubles) -> Any:
    """Return the distance of float32 values around a value; around 0 none."""
    exponent = np.frexp(value)[1]
    return np.where(value == 0, 0.0, np.ldexp(1.0, np.maximum(exponent - 24, -149)))


def _trigonometric(value: Doubles, a: Doubles) -> Any:
    """Beyond 100 pi the manual promises nothing; the bound up to there is used."""
    return np.where(np.abs(a) <= 2 * np.pi, 2.0**-20.5, 2.0**-14.7)


def _logarithm(value: Doubles, a: Doubles) -> Any:
    return np.where((a > 0.5) & (a < 2), 2.0**-22, np.abs(value) * 2.0**-22)


def _exponential(value: Doubles, a: Doubles) -> Any:
    """Two ulp, but no result is negative."""
    return np.minimum(2 * ulp(value), value)


def _nearest(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function rounded to float32: the bound is stated from the rounded result."""
    return lambda a: function(a).astype(np.float32).astype(np.float64)


def _relative(bound: float) -> Callable[..., Any]:
    return lambda value, *_: np.abs(value) * bound


APPROXIMATIONS = {
    "div_full": Approximation(np.divide, lambda value, *_: 2 * ulp(value), "9.7.3.8"),
    "rcp_approx": Approximation(np.reciprocal, lambda value, *_: ulp(value), "9.7.3.13"),
    "sqrt_approx": Approximation(np.sqrt, _relative(2.0**-23), "9.7.3.15"),
    "rsqrt_approx": Approximation(lambda a: 1 / np.sqrt(a), _relative(2.0**-22.9), "9.7.3.16"),
    "sin_approx": Approximation(np.sin, _trigonometric, "9.7.3.18"),
    "cos_approx": Approximation(np.cos, _trigonometric, "9.7.3.19"),
    "lg2_approx": Approximation(np.log2, _logarithm, "9.7.3.20"),
    "ex2_approx": Approximation(_nearest(np.exp2), _exponential, "9.7.3.21"),
    "tanh_approx": Approximation(np.tanh, _relative(2.0**-11), "9.7.3.22"),
}


def _divided(seed: int | None, site: int, a: Any, b: Any) -> Any:
    """Return `div.approx.f32` (9.7.3.8): within 2 ulp for |b| of 2^-126 ... 2^126.

    For larger |b| it is NaN if `a` is infinite and else a zero; for smaller ones, of which the
    manual promises nothing, a times the reciprocal.
    """
    a, b = np.asarray(a), np.asarray(b)
    size = np.abs(b)
    found = approximated(APPROXIMATIONS["div_full"], seed, site, a, b)
    found = np.where(size < np.float32(2.0**-126), a * (np.float32(1) / b), found)
    zero = np.copysign(np.float32(0), a) * np.copysign(np.float32(1), b)
    large = (size > np.float32(2.0**126)) & np.isfinite(b)
    return np.where(large, np.where(np.isfinite(a), zero, np.float32(np.nan)), found)


def _gross_reciprocal(seed: int | None, site: int, a: Any) -> Any:
    """Return `rcp.approx.ftz.f64` (9.7.3.14): of the upper words, in 20 bits of mantissa.

    The manual states no bound: either neighbor of the reciprocal is returned.
    """
    upper = np.uint64(0xFFFFFFFF00000000)
    exact = 1 / flushed((np.asarray(a).view(np.uint64) & upper).view(np.float64))
    bits = exact.view(np.uint64)
    rounds_up: Any = np.uint64(0x80000000)
    if seed is not None:
        rounds_up = np.where(errors(seed, site, a) > 0, np.uint64(0xFFFFFFFF), np.uint64(0))
    found = flushed(((bits + rounds_up) & upper).view(np.float64))
    found = np.where(np.isfinite(exact), found, exact)
    return np.where(np.isnan(exact), np.uint64(0x7FFFFFFF00000000).view(np.float64), found)
