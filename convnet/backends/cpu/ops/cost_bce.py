"""Binary cross entropy with weighted positive targets."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.ranks import GROUP, first_place_errors
from convnet.backends.cpu.kernels.rows import fill
from convnet.backends.cpu.kernels.safe_logs import log_or_lowest, smallest
from convnet.compiling.replay import repeatable
from convnet.operations import cost_bce


@implements(cost_bce.forward, scratch=lambda targets, *_others: 5 * 8 * targets.shape[1])
def forward(targets, y, values, weight, *, scratch):
    rows = case_rows(scratch, 5, y)
    values[0], values[1] = entropy(targets, y, rows[:2], weight)
    first_place_errors(targets, y, rows[2:])
    values[2] = rows[2].sum()


@repeatable
@implements(cost_bce.backward)
def backward(targets, y, dy, weight, coeff, fused, accumulate):
    numbers = float(weight), float(coeff), smallest(y)
    _backward_kernel(targets, y, dy, *numbers, fused, accumulate)


def case_rows(scratch, count, y):
    """`count` rows of float64, one value a case."""
    cases = y.shape[1]
    return scratch[: count * 8 * cases].view(np.float64).reshape(count, cases)


def entropy(targets, y, rows, weight):
    """(cost, share of outputs on the wrong side of 0.5), sums over the cases; rows (2, N)."""
    _entropy_kernel(targets, y, rows[0], rows[1], float(weight))
    return rows[0].sum(), rows[1].sum() / len(y)


@inlined
def _add_entropy(targets, y, loss, wrong, weight):
    for n in range(y.size):
        t, p = np.float64(targets[n]), np.float64(y[n])
        loss[n] -= weight * t * log_or_lowest(p) + (1 - t) * log_or_lowest(1 - p)
        wrong[n] += np.float64((p > 0.5) != (t > 0.5))


@inlined
def _derivative(t, p, weight, fused, smallest):
    if fused:
        return (1 - t) * p - weight * t * (1 - p)
    q = 1 - p
    p = smallest if p < smallest else p
    q = smallest if q < smallest else q
    return (1 - t) / q - weight * t / p


@parallel
def _entropy_kernel(targets, y, loss, wrong, weight):
    outputs, cases = y.shape
    for group in prange((cases + GROUP - 1) // GROUP):
        lo = np.int64(group) * GROUP
        hi = min(lo + GROUP, cases)
        fill(loss[lo:hi], 0)
        fill(wrong[lo:hi], 0)
        for c in range(outputs):
            row, t = y[c, lo:hi], targets[c, lo:hi]
            _add_entropy(t, row, loss[lo:hi], wrong[lo:hi], weight)


@parallel
def _backward_kernel(targets, y, dy, weight, coeff, smallest, fused, accumulate):
    outputs, cases = y.shape
    for c in prange(outputs):
        row, t, d = y[c], targets[c], dy[c]
        for n in range(cases):
            p = np.float64(row[n])
            g = coeff * _derivative(np.float64(t[n]), p, weight, fused, smallest)
            if accumulate:
                d[n] += g
            else:
                d[n] = g
