"""The cost log(1 + d**2) of differences."""

import math

import numpy as np
from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import bytes_of, over, parts_of
from convnet.operations import cost_rflickr


@implements(
    cost_rflickr.forward, scratch=lambda targets, *_: bytes_of(case_rows(1, targets.shape[1]))
)
def forward(targets, y, values, *, scratch):
    (row,) = parts_of(scratch, case_rows(1, y.shape[1]))
    return [over(_forward, y.shape[1], targets, y, row, *y.shape), total(row, values)]


@implements(cost_rflickr.backward)
def backward(targets, y, dy, coeff, accumulate):
    return [over(_backward, y.size, targets, y, dy, np.float64(coeff), y.size, accumulate)]


@kernel
def _forward(targets, y, row, rows, cases):
    for n in elements(cases):
        loss = float64(0)
        for c in range(rows):
            d = float64(y[c * cases + n]) - float64(targets[c * cases + n])
            loss += math.log1p(d * d)
        row[n] = loss


@kernel
def _backward(targets, y, dy, coeff, count, accumulate):
    for e in elements(count):
        d = float64(y[e]) - float64(targets[e])
        g = coeff * 2 * d / (1 + d * d)
        dy[e] = dy[e] + g if accumulate else g
