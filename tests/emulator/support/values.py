"""Values of each type at which instructions are tested: the special ones, and random ones."""

import math

import numpy as np

from emulator.translate import DTYPES
from tests.emulator.support.rounding import double, single

_SINGLES = [0.0, 1.0, 1.5, 0.5, 2.0, 3.0, 1 / 3, 127.5, 2.0**24, 2.0**31, 2.0**32, 2.0**63, 2.0**64]
_SINGLES += [single(b) for b in (1, 2, 0x007FFFFF, 0x00800000, 0x00800001, 0x7F7FFFFF, 0x7F000000)]
_SINGLES += [single(b) for b in (0x3F7FFFFF, 0x3F800001, 0x4B000001, 0x4AFFFFFF, 0x7E800001)]
_DOUBLES = [0.0, 1.0, 1.5, 0.5, 2.5, 1 / 3, 2.0**31 - 0.5, 2.0**53 + 2, 2.0**63, 2.0**64, 1e-300]
_DOUBLES += [double(b) for b in (1, 3, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x7FEFFFFFFFFFFFFF)]
_DOUBLES += [1 + 2.0**-24, 1 + 2.0**-24 + 2.0**-52, 2.0**-150, 2.0**-149 * 1.5, 2.0**128 - 2.0**103]


def special(kind: str) -> list:
    """Return the special values of a type."""
    if kind == "pred":
        return [False, True]
    if DTYPES[kind].startswith("float"):
        sizes = _DOUBLES if kind == "f64" else _SINGLES
        if kind == "f16":
            sizes = [0.0, 1.0, 2.0**-24, 2.0**-14, 65504.0, 0.333251953125]
        return [s * v for v in [*sizes, math.inf] for s in (1, -1)] + [math.nan]
    limits = np.iinfo(DTYPES[kind])
    near = [
        limits.min,
        limits.min + 1,
        -2,
        -1,
        0,
        1,
        2,
        3,
        7,
        8,
        15,
        16,
        31,
        32,
        33,
        63,
        64,
        65,
        255,
    ]
    near += [1 << limits.bits // 2, (1 << limits.bits // 2) - 1, limits.max - 1, limits.max]
    return sorted({value for value in near if limits.min <= value <= limits.max})


def sample(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return values of a type, half of them special ones, as an array."""
    chosen = special(kind)
    picks = rng.integers(0, len(chosen), count)
    values = np.array([chosen[i] for i in picks], DTYPES[kind])
    dtype = np.dtype(DTYPES[kind])
    if kind == "pred":
        return values
    if dtype.kind == "f":
        other = (rng.standard_normal(count) * 2.0 ** rng.integers(-8, 9, count)).astype(dtype)
        wild = rng.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype)  # all exponents
        other = np.where(rng.random(count) < 0.5, other, wild)
    else:
        other = rng.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype)
        small = rng.integers(0, 70, count).astype(dtype)
        other = np.where(rng.random(count) < 0.5, other, small)
    return np.where(rng.random(count) < 0.5, values, other).astype(dtype)
