"""Logarithms and quotients of probabilities that rounding may have made 0."""

import math

import numpy as np

from convnet.backends.cpu.jit import inlined

LOWEST = -50.0  # stands for log 0 (dialect, 7)


@inlined
def log_or_lowest(p):
    """log p, or LOWEST where p <= 0; a NaN stays."""
    return LOWEST if p <= 0 else math.log(p)


def smallest(array):
    """What a divisor is taken for at least: the type's smallest normal number."""
    return float(np.finfo(array.dtype).tiny)
