"""Functions of the PTX instructions on arrays, exact to the bit where PTX is.

Each takes arrays, or NumPy scalars, of one type and returns an array; nothing is written.  The
caller turns off NumPy's floating-point warnings.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from emulator.arithmetic import approximate, bits, conversions, extremes, floats, fused, integers

# NumPy functions whose results are those of PTX, which the translated code calls directly.
_OF_NUMPY = (
    "absolute add asarray bitwise_and bitwise_not bitwise_or bitwise_xor ceil copysign copyto "
    "divide equal float16 float32 float64 floor greater greater_equal int16 int32 int64 int8 "
    "isfinite isinf isnan left_shift less less_equal logical_not maximum minimum multiply "
    "negative not_equal right_shift rint sqrt subtract trunc uint16 uint32 uint64 uint8 where"
).split()


def functions(seed: int | None = None) -> dict[str, Callable[..., Any]]:
    """Return what translated code calls, by name; seed: of the errors of `.approx` instructions.

    Without a seed these are rounded to nearest.
    """
    found: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in _OF_NUMPY}
    for module in (bits, conversions, extremes, floats, fused, integers):
        found |= {name: getattr(module, name) for name in module.__all__}
    return found | approximate.functions(seed)


__all__ = ["functions"]
