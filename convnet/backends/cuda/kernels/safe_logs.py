"""Logarithms of, and divisions by, probabilities that may have been rounded to 0."""

import math

import numpy as np

from convnet.backends.cuda.jit import device_function

LOWEST = -50.0  # stands for log 0 (docs/dialect.md, 7)
SMALLEST = float(np.finfo(np.float32).tiny)  # of a divisor


@device_function
def log_or_lowest(p):
    """Return log p, or LOWEST where p <= 0; a NaN stays."""
    return LOWEST if p <= 0 else math.log(p)


@device_function
def at_least_smallest(p):
    """Return p, or SMALLEST where p is less; a NaN stays."""
    return SMALLEST if p < SMALLEST else p
