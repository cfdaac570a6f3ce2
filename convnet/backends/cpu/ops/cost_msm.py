"""Softmax over sets of classes.

The sums Z(k) over sets of k classes are kept in logarithms, in float64.
"""

import math

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import called, inlined, parallel
from convnet.backends.cpu.kernels.ranks import GROUP, correct, count
from convnet.backends.cpu.kernels.rows import fill
from convnet.backends.cpu.scratch import carve, total_bytes
from convnet.compiling.replay import repeatable
from convnet.operations import cost_msm

JOBS = 16  # parts of a minibatch with tables of their own
NONE = -math.inf  # the logarithm of no set at all


def _forward_parts(energies, size):
    return [((4, energies.shape[1]), np.float64), ((energies.shape[1], size + 1), np.float64)]


def _forward_bytes(labels, energies, _values, size):
    return total_bytes(_forward_parts(energies, size))


@implements(cost_msm.forward, scratch=_forward_bytes)
def forward(labels, energies, values, size, *, scratch):
    rows, sums = carve(scratch, _forward_parts(energies, size))
    _loss_kernel(labels[0], energies, sums, rows[0], math.log(np.finfo(energies.dtype).tiny))
    _rank_kernel(labels[0], energies, rows[1:], size)
    for i in range(3):
        values[i] = rows[i].sum()


def _backward_parts(energies, size):
    classes, cases = energies.shape
    jobs = min(JOBS, cases)
    return [((jobs, 2, classes + 1, size + 1), np.float64), ((jobs, classes), np.float64)]


def _backward_bytes(labels, energies, _de, size, *_others):
    return total_bytes(_backward_parts(energies, size))


@repeatable
@implements(cost_msm.backward, scratch=_backward_bytes)
def backward(labels, energies, de, size, coeff, accumulate, *, scratch):
    tables, gradients = carve(scratch, _backward_parts(energies, size))
    _backward_kernel(labels[0], energies, de, tables, gradients, size, float(coeff), accumulate)


@inlined
def _log_sum(a, b):
    """log(exp(a) + exp(b)); either may be the logarithm of 0."""
    if a == NONE:
        return b
    if b == NONE:
        return a
    d = a - b
    return a + math.log1p(math.exp(-d)) if d > 0 else b + math.log1p(math.exp(d))


@inlined
def _is_class(label, classes):
    return label >= 0 and label < classes


@called
def _log_sets(energies, n, without, sums):
    """sums[k] = log Z(k) of case n over all classes but one (-1: all)."""
    fill(sums, NONE)
    sums[0] = 0.0
    for c in range(energies.shape[0]):
        if c != without:
            e = np.float64(energies[c, n])
            for k in range(sums.size - 1, 0, -1):
                sums[k] = _log_sum(sums[k], sums[k - 1] + e)


@parallel
def _loss_kernel(labels, energies, sums, loss, lowest):
    size = sums.shape[1] - 1
    for n in prange(labels.size):
        if _is_class(labels[n], energies.shape[0]):
            label = np.int64(labels[n])
            _log_sets(energies, n, label, sums[n])
            with_label = np.float64(energies[label, n]) + sums[n, size - 1]
            # the sets with the label, and those without it
            loss[n] = _log_sum(with_label, sums[n, size]) - with_label
        else:
            loss[n] = -lowest


@parallel
def _rank_kernel(labels, energies, rows, places):
    """rows[0] = the top-1 errors, rows[1] = the top-`places` errors; rows (3, N)."""
    classes, cases = energies.shape
    for group in prange((cases + GROUP - 1) // GROUP):
        lo = np.int64(group) * GROUP
        hi = min(lo + GROUP, cases)
        chosen, greater, equal = rows[0, lo:hi], rows[1, lo:hi], rows[2, lo:hi]
        for n in range(hi - lo):
            known = _is_class(labels[lo + n], classes)
            chosen[n] = energies[np.int64(labels[lo + n]), lo + n] if known else math.inf
            greater[n] = 0.0 if known else classes
            equal[n] = 0.0
        for c in range(classes):
            count(energies[c, lo:hi], chosen, greater, equal)
        for n in range(hi - lo):
            chosen[n] = 1.0 - correct(greater[n], equal[n], 1)
            greater[n] = 1.0 - correct(greater[n], equal[n], places)


@called
def _add_shares(energies, n, without, size, front, back, factor, gradient):
    """gradient[c] += factor * P(c in set) over sets of `size` classes of all but one.

    front[c, k], back[c, k]: log Z(k) of the classes before c, and of those from c on.
    """
    classes = energies.shape[0]
    fill(front[0], NONE)
    fill(back[classes], NONE)
    front[0, 0] = back[classes, 0] = 0.0
    for c in range(classes):
        e = np.float64(energies[c, n]) if c != without else NONE
        front[c + 1, 0] = 0.0
        for k in range(1, size + 1):
            front[c + 1, k] = _log_sum(front[c, k], front[c, k - 1] + e)
    for c in range(classes - 1, -1, -1):
        e = np.float64(energies[c, n]) if c != without else NONE
        back[c, 0] = 0.0
        for k in range(1, size + 1):
            back[c, k] = _log_sum(back[c + 1, k], back[c + 1, k - 1] + e)
    for c in range(classes):
        if c != without:
            rest = NONE
            for k in range(size):
                rest = _log_sum(rest, front[c, k] + back[c + 1, size - 1 - k])
            share = math.exp(np.float64(energies[c, n]) + rest - front[classes, size])
            gradient[c] += factor * share


@parallel
def _backward_kernel(labels, energies, de, tables, gradients, size, coeff, accumulate):
    classes, cases = energies.shape
    jobs = len(tables)
    for job in prange(jobs):
        front, back, gradient = tables[job, 0], tables[job, 1], gradients[job]
        for n in range(np.int64(job) * cases // jobs, (np.int64(job) + 1) * cases // jobs):
            fill(gradient, 0)
            _add_shares(energies, n, -1, size, front, back, coeff, gradient)
            if _is_class(labels[n], classes):
                label = np.int64(labels[n])
                if size > 1:
                    _add_shares(energies, n, label, size - 1, front, back, -coeff, gradient)
                gradient[label] -= coeff
            for c in range(classes):
                if accumulate:
                    de[c, n] += gradient[c]
                else:
                    de[c, n] = gradient[c]
