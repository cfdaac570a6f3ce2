"""Logarithms of probabilities, and divisors, that rounding may have made 0."""

import math

import numpy as np

from convnet.backends.cpu.jit import inlined

LOWEST = -50.0  # stands for log 0 (docs/dialect.md, 7)


@inlined
def log_or_lowest(p):
    """log p, or LOWEST where p <= 0; a NaN remains a NaN."""
    return LOWEST if p <= 0 else math.log(p)


def smallest(array: np.ndarray) -> float:
    """Return the lower bound of divisors: the smallest normal number of the array's type."""
    return float(np.finfo(array.dtype).tiny)
