"""Cross entropy over a softmax."""

import numpy as np
from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.kernels.ranks import first_place_errors
from convnet.backends.cuda.kernels.safe_logs import at_least_smallest, log_or_lowest
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import bytes_of, over, parts_of
from convnet.operations import cost_crossent


@implements(
    cost_crossent.forward, scratch=lambda targets, *_: bytes_of(case_rows(2, targets.shape[1]))
)
def forward(targets, y, values, *, scratch):
    (rows,) = parts_of(scratch, case_rows(2, y.shape[1]))
    loss = over(_entropy, y.shape[1], targets, y, rows, *y.shape)
    return [loss, first_place_errors(targets, y, rows, 1), total(rows, values)]


@implements(
    cost_crossent.backward, scratch=lambda targets, *_: bytes_of(case_rows(1, targets.shape[1]))
)
def backward(targets, y, dy, coeff, fused, accumulate, *, scratch):
    factor, cases = np.float64(coeff), y.shape[1]
    if not fused:
        return [over(_backward, y.size, targets, y, dy, factor, y.size, accumulate)]
    (sums,) = parts_of(scratch, case_rows(1, cases))
    return [
        over(_sum, cases, targets, sums, *y.shape),
        over(_fused, y.size, targets, y, dy, sums, factor, cases, y.size, accumulate),
    ]


@kernel
def _entropy(targets, y, rows, classes, cases):
    for n in elements(cases):
        loss = float64(0)
        for c in range(classes):
            loss -= float64(targets[c * cases + n]) * log_or_lowest(float64(y[c * cases + n]))
        rows[n] = loss


@kernel
def _sum(targets, sums, classes, cases):
    for n in elements(cases):
        whole = float64(0)
        for c in range(classes):
            whole += float64(targets[c * cases + n])
        sums[n] = whole


@kernel
def _fused(targets, y, dy, sums, coeff, cases, count, accumulate):
    for e in elements(count):
        _, n = split(e, cases)
        g = coeff * (float64(y[e]) * sums[n] - float64(targets[e]))
        dy[e] = dy[e] + g if accumulate else g


@kernel
def _backward(targets, y, dy, coeff, count, accumulate):
    for e in elements(count):
        g = -coeff * float64(targets[e]) / at_least_smallest(float64(y[e]))
        dy[e] = dy[e] + g if accumulate else g
