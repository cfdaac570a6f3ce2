"""Cross entropy over a softmax."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.ranks import GROUP, first_place_errors
from convnet.backends.cpu.kernels.rows import fill
from convnet.backends.cpu.kernels.safe_logs import log_or_lowest, smallest
from convnet.compiling.replay import repeatable
from convnet.operations import cost_crossent


@implements(cost_crossent.forward, scratch=lambda targets, *_others: 4 * 8 * targets.shape[1])
def forward(targets, y, values, *, scratch):
    rows = scratch[: 4 * 8 * y.shape[1]].view(np.float64).reshape(4, y.shape[1])
    _entropy_kernel(targets, y, rows[0])
    first_place_errors(targets, y, rows[1:])
    values[0], values[1] = rows[0].sum(), rows[1].sum()


@repeatable
@implements(cost_crossent.backward, scratch=lambda targets, *_others: 8 * targets.shape[1])
def backward(targets, y, dy, coeff, fused, accumulate, *, scratch):
    totals = scratch[: 8 * y.shape[1]].view(np.float64)
    if fused:
        _fused_kernel(targets, y, dy, totals, float(coeff), accumulate)
    else:
        _backward_kernel(targets, y, dy, float(coeff), smallest(y), accumulate)


@inlined
def _add_entropy(t, y, loss):
    for n in range(y.size):
        loss[n] -= np.float64(t[n]) * log_or_lowest(np.float64(y[n]))


@inlined
def _add(t, totals):
    for n in range(t.size):
        totals[n] += np.float64(t[n])


@inlined
def _put_fused(t, y, totals, dy, coeff, accumulate):
    for n in range(y.size):
        g = coeff * (np.float64(y[n]) * totals[n] - np.float64(t[n]))
        if accumulate:
            dy[n] += g
        else:
            dy[n] = g


@parallel
def _entropy_kernel(targets, y, loss):
    classes, cases = y.shape
    for group in prange((cases + GROUP - 1) // GROUP):
        lo = np.int64(group) * GROUP
        hi = min(lo + GROUP, cases)
        fill(loss[lo:hi], 0)
        for c in range(classes):
            _add_entropy(targets[c, lo:hi], y[c, lo:hi], loss[lo:hi])


@parallel
def _fused_kernel(targets, y, dy, totals, coeff, accumulate):
    classes, cases = y.shape
    for group in prange((cases + GROUP - 1) // GROUP):
        lo = np.int64(group) * GROUP
        hi = min(lo + GROUP, cases)
        total = totals[lo:hi]
        fill(total, 0)
        for c in range(classes):
            _add(targets[c, lo:hi], total)
        for c in range(classes):
            row, t = y[c, lo:hi], targets[c, lo:hi]
            _put_fused(t, row, total, dy[c, lo:hi], coeff, accumulate)


@parallel
def _backward_kernel(targets, y, dy, coeff, smallest, accumulate):
    classes, cases = y.shape
    for c in prange(classes):
        row, t, d = y[c], targets[c], dy[c]
        for n in range(cases):
            p = np.float64(row[n])
            g = -coeff * np.float64(t[n]) / (smallest if p < smallest else p)
            if accumulate:
                d[n] += g
            else:
                d[n] = g
