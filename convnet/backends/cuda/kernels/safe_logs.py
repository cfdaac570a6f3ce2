"""Logarithms of probabilities that rounding may have made 0."""

import math

import numpy as np

from convnet.backends.cuda.jit import inlined

LOWEST = -50.0  # stands for log 0 (dialect, 7)
SMALLEST = float(np.finfo(np.float32).tiny)  # what a divisor is taken for at least


@inlined
def log_or_lowest(p):
    """log p, or LOWEST where p <= 0; a NaN stays."""
    return LOWEST if p <= 0 else math.log(p)


@inlined
def at_least_smallest(p):
    return SMALLEST if p < SMALLEST else p
