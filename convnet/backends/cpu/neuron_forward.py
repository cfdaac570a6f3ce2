"""The neurons' functions, one loop each.  Comparisons are written so that a NaN passes through."""

import math

import numpy as np
from numba import prange

from . import neuron_kinds as kinds
from .compiling import BLOCK, called, parallel


@called
def _smooth(x, y, kind, a, b):
    one = x.dtype.type(1)
    if kind == kinds.LOGISTIC:
        for n in range(y.size):
            y[n] = one / (one + math.exp(-x[n]))
    elif kind == kinds.TANH:
        for n in range(y.size):
            y[n] = a * math.tanh(b * x[n])
    elif kind == kinds.DRELU:
        for n in range(y.size):
            y[n] = x[n] - a * math.tanh(x[n] / a)
    elif kind == kinds.SOFTRELU:
        for n in range(y.size):
            y[n] = x[n] if x[n] > 4 else math.log1p(math.exp(x[n]))
    else:  # LOG
        for n in range(y.size):
            y[n] = math.log(a + x[n])


@called
def _simple(x, y, kind, a, b):
    zero = x.dtype.type(0)
    if kind == kinds.RELU:
        for n in range(y.size):
            y[n] = zero if x[n] <= zero else x[n]
    elif kind == kinds.BRELU:
        for n in range(y.size):
            v = zero if x[n] <= zero else x[n]
            y[n] = a if v >= a else v
    elif kind == kinds.ABS:
        for n in range(y.size):
            y[n] = abs(x[n])
    elif kind == kinds.SQUARE:
        for n in range(y.size):
            y[n] = x[n] * x[n]
    elif kind == kinds.SQRT:
        for n in range(y.size):
            y[n] = math.sqrt(x[n])
    elif kind == kinds.LINEAR:
        for n in range(y.size):
            y[n] = a * x[n] + b
    else:  # IDENT
        for n in range(y.size):
            y[n] = x[n]


@called
def apply(x, y, kind, a, b):
    """y = f(x), one row."""
    if kind >= kinds.DRELU:
        _smooth(x, y, kind, a, b)
    else:
        _simple(x, y, kind, a, b)


@parallel
def forward_kernel(x, y, kind, a, b):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        apply(x[lo:hi], y[lo:hi], kind, a, b)
