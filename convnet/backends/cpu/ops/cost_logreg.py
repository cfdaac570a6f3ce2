"""Multinomial logistic regression over a softmax."""

import math

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.ranks import correct, count
from convnet.backends.cpu.ops.softmax import case_group
from convnet.compiling.replay import repeatable
from convnet.operations import cost_logreg


def _rows_size(labels, probabilities, *_others):
    return 3 * labels.shape[1] * probabilities.dtype.itemsize


@repeatable
@implements(cost_logreg.forward, scratch=_rows_size)
def forward(labels, probabilities, values, topk, *, scratch):
    rows = scratch[: _rows_size(labels, probabilities)].view(probabilities.dtype)
    rows = rows.reshape(3, labels.shape[1])
    smallest, group = float(np.finfo(probabilities.dtype).tiny), case_group(*probabilities.shape)
    _rank_kernel(labels[0], probabilities, rows, smallest, topk, group, values)


@repeatable
@implements(cost_logreg.backward)
def backward(labels, probabilities, dprobabilities, coeff, fused, accumulate):
    real = probabilities.dtype.type
    smallest = np.finfo(probabilities.dtype).tiny
    _backward_kernel(
        labels[0], probabilities, dprobabilities, real(coeff), fused, accumulate, smallest
    )


@inlined
def _add_up(rows, smallest, topk, values):
    """Sums in the order of the cases, so that threads do not change them."""
    values[0] = values[1] = values[2] = 0.0
    for n in range(rows.shape[1]):
        chosen = np.float64(rows[0, n])
        greater, equal = np.float64(rows[1, n]), np.float64(rows[2, n])
        values[0] -= math.log(smallest if chosen < smallest else chosen)  # a NaN stays
        values[1] += 1.0 - correct(greater, equal, 1)
        values[2] += 1.0 - correct(greater, equal, topk)


@parallel
def _rank_kernel(labels, probs, rows, smallest, topk, size, values):
    """rows = the label's probability, and the numbers of greater and of equal ones."""
    classes, cases = probs.shape
    for group in prange((cases + size - 1) // size):
        lo = np.int64(group) * size
        hi = min(lo + size, cases)
        chosen, greater, equal = rows[0, lo:hi], rows[1, lo:hi], rows[2, lo:hi]
        for n in range(hi - lo):
            label = labels[lo + n]
            known = label >= 0 and label < classes
            chosen[n] = probs[np.int64(label), lo + n] if known else 0.0
            greater[n] = 0.0 if known else classes
            equal[n] = 0.0
        for c in range(classes):
            count(probs[c, lo:hi], chosen, greater, equal)
    _add_up(rows, smallest, topk, values)


@parallel
def _backward_kernel(labels, probs, dprobs, coeff, fused, accumulate, smallest):
    classes, cases = probs.shape
    one, zero = probs.dtype.type(1), probs.dtype.type(0)
    for row in prange(classes):
        p, d = probs[row], dprobs[row]
        for n in range(cases):
            here = labels[n] == row
            if fused:
                g = coeff * (p[n] - (one if here else zero))
            else:
                g = -coeff / max(p[n], smallest) if here else zero
            if accumulate:
                d[n] += g
            else:
                d[n] = g
