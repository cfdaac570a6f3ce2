"""Topographic independent component analysis."""

import math

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.rows import fill
from convnet.compiling.replay import repeatable
from convnet.operations import cost_tica

OFFSET = 0.001


@implements(cost_tica.forward, scratch=lambda x, *_others: 8 * x.shape[0] * x.shape[1])
def forward(x, inverse, values, size, *, scratch):
    sums = scratch[: 8 * x.shape[0] * x.shape[1]].view(np.float64)
    _forward_kernel(x, inverse, sums, size)
    values[0] = sums.sum()


def _row_bytes(x, *_others):
    channels, side, _, cases = x.shape
    return channels * side * cases * x.dtype.itemsize


@repeatable
@implements(cost_tica.backward, scratch=_row_bytes)
def backward(x, inverse, dx, size, coeff, accumulate, *, scratch):
    channels, side, _, cases = x.shape
    rows = scratch[: _row_bytes(x)].view(x.dtype).reshape(channels * side, cases)
    _backward_kernel(x, inverse, dx, rows, size, x.dtype.type(coeff), accumulate)


@inlined
def _add_squares(x, total):
    for n in range(x.size):
        total[n] += x[n] * x[n]


@inlined
def _add(x, total):
    for n in range(x.size):
        total[n] += x[n]


@inlined
def _invert(row):
    """1 / (0.001 + sqrt) of each, in place, and their sum."""
    total = 0.0
    for n in range(row.size):
        value = 1 / (OFFSET + math.sqrt(np.float64(row[n])))
        row[n] = value
        total += value
    return total


@inlined
def _put_products(x, total, dx, coeff, accumulate):
    for n in range(x.size):
        g = coeff * x[n] * total[n]
        if accumulate:
            dx[n] += g
        else:
            dx[n] = g


@parallel
def _forward_kernel(x, inverse, sums, size):
    channels, side, _, _ = x.shape
    for job in prange(channels * side):
        c, py = np.int64(job) // side, np.int64(job) % side
        top = py - size // 2
        sums[job] = 0.0
        for px in range(side):
            left, row = px - size // 2, inverse[c, py, px]
            fill(row, 0)
            for wy in range(max(top, 0), min(top + size, side)):
                for wx in range(max(left, 0), min(left + size, side)):
                    _add_squares(x[c, wy, wx], row)
            sums[job] += _invert(row)


@parallel
def _backward_kernel(x, inverse, dx, rows, size, coeff, accumulate):
    channels, side, _, _ = x.shape
    for job in prange(channels * side):
        c, py = np.int64(job) // side, np.int64(job) % side
        top, row = py - size // 2, rows[job]
        for px in range(side):
            left = px - size // 2
            fill(row, 0)
            for wy in range(max(top, 0), min(top + size, side)):
                for wx in range(max(left, 0), min(left + size, side)):
                    _add(inverse[c, wy, wx], row)
            _put_products(x[c, py, px], row, dx[c, py, px], coeff, accumulate)
