"""Binary cross entropy with weighted positive targets."""

import numpy as np
from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.kernels.ranks import first_place_errors
from convnet.backends.cuda.kernels.safe_logs import at_least_smallest, log_or_lowest
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import Launch, bytes_of, over, parts_of
from convnet.operations import cost_bce


@implements(cost_bce.forward, scratch=lambda targets, *_: bytes_of(case_rows(3, targets.shape[1])))
def forward(targets, y, values, weight, *, scratch):
    (rows,) = parts_of(scratch, case_rows(3, y.shape[1]))
    errors = first_place_errors(targets, y, rows, 2)
    return [entropy(targets, y, rows, weight), errors, total(rows, values)]


@implements(cost_bce.backward)
def backward(targets, y, dy, weight, coeff, fused, accumulate):
    return [derivatives(targets, y, dy, weight, coeff, fused, accumulate)]


def entropy(targets, y, rows, weight) -> Launch:
    """By case: rows[0] = the cost, rows[1] = the share of outputs on the wrong side of 0.5."""
    return over(_entropy, y.shape[1], targets, y, rows, np.float64(weight), *y.shape)


def derivatives(targets, y, dy, weight, coeff, fused, accumulate) -> Launch:
    numbers = np.float64(weight), np.float64(coeff), fused, y.size, accumulate
    return over(_backward, y.size, targets, y, dy, *numbers)


@kernel
def _entropy(targets, y, rows, weight, outputs, cases):
    for n in elements(cases):
        loss, wrong = float64(0), float64(0)
        for c in range(outputs):
            t, p = float64(targets[c * cases + n]), float64(y[c * cases + n])
            loss -= weight * t * log_or_lowest(p) + (1 - t) * log_or_lowest(1 - p)
            wrong += 1.0 if (p > 0.5) != (t > 0.5) else 0.0
        rows[n] = loss
        rows[cases + n] = wrong / outputs


@kernel
def _backward(targets, y, dy, weight, coeff, fused, count, accumulate):
    for e in elements(count):
        t, p = float64(targets[e]), float64(y[e])
        if fused:
            g = coeff * ((1 - t) * p - weight * t * (1 - p))
        else:
            g = coeff * ((1 - t) / at_least_smallest(1 - p) - weight * t / at_least_smallest(p))
        dy[e] = dy[e] + g if accumulate else g
