"""The neurons' functions, one loop each.  A NaN remains a NaN."""

import math

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import BLOCK, called, inlined, parallel
from convnet.backends.cpu.kernels import neuron_kinds as kinds
from convnet.backends.cpu.kernels.exponentials import exp, tanh
from convnet.backends.cpu.kernels.logarithms import log, softplus32
from convnet.backends.cpu.kernels.selection import larger, select, smaller
from convnet.backends.cpu.microkernel import address


@inlined
def _smooth(x, y, kind, a, b):
    one, four, item = x.dtype.type(1), x.dtype.type(4), x.itemsize
    if kind == kinds.LOGISTIC:
        for n in range(y.size):
            y[n] = one / (one + exp(-x[n], item))
    elif kind == kinds.TANH:
        for n in range(y.size):
            y[n] = a * tanh(b * x[n], item)
    elif kind == kinds.DRELU:
        for n in range(y.size):
            y[n] = x[n] - a * tanh(x[n] / a, item)
    elif kind == kinds.SOFTRELU and item == 4:  # two types in one loop are too long to unswitch
        for n in range(y.size):
            y[n] = select(x[n] > four, x[n], softplus32(smaller(x[n], four)))
    elif kind == kinds.SOFTRELU:
        for n in range(y.size):
            y[n] = x[n] if x[n] > four else math.log1p(math.exp(x[n]))
    else:  # LOG
        for n in range(y.size):
            y[n] = log(a + x[n], item)


@inlined
def _simple(x, y, kind, a, b):
    zero = x.dtype.type(0)
    if kind == kinds.RELU:
        for n in range(y.size):
            y[n] = larger(x[n], zero)
    elif kind == kinds.BRELU:
        for n in range(y.size):
            y[n] = smaller(larger(x[n], zero), a)
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


@inlined
def _function(x, y, kind, a, b):
    if kind >= kinds.DRELU:
        _smooth(x, y, kind, a, b)
    else:
        _simple(x, y, kind, a, b)


@called
def in_place(y, kind, a, b):
    """y = f(y), one row.  The compiler vectorizes this only where it sees a single array."""
    _function(y, y, kind, a, b)


@called
def _apart(x, y, kind, a, b):
    _function(x, y, kind, a, b)


@called
def apply(x, y, kind, a, b):
    """y = f(x), one row; x may be y."""
    if address(x) == address(y):
        in_place(y, kind, a, b)
    else:
        _apart(x, y, kind, a, b)


@parallel
def forward_kernel(x, y, kind, a, b):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        apply(x[lo:hi], y[lo:hi], kind, a, b)
