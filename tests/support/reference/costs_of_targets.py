"""Costs of predictions beside a matrix of targets: crossent, crossent2, bce, dce, rflickr.

docs/dialect.md, 7.  t and y are (classes, cases); gradients are with respect to y.
"""

import math

import numpy as np


def _log(p):
    return math.log(p) if p > 0 else -50.0


def _pairs(t, y):
    """Each case's (t, y) lists in float64."""
    t, y = np.asarray(t, np.float64), np.asarray(y, np.float64)
    return [(list(t[:, n]), list(y[:, n])) for n in range(y.shape[1])]


def _first_place_error(t, y):
    """The share of the largest predictions that have no target above 0."""
    first = [a for a, b in zip(t, y, strict=True) if b == max(y)]
    return sum(1 for a in first if not a > 0) / len(first)


def crossent(t, y):
    """(sum of -t log y, errors)"""
    cost = errors = 0.0
    for ts, ys in _pairs(t, y):
        cost -= sum(a * _log(b) for a, b in zip(ts, ys, strict=True))
        errors += _first_place_error(ts, ys)
    return cost, errors


def crossent_grad(t, y, coeff):
    return -coeff * np.asarray(t, np.float64) / np.asarray(y, np.float64)


def bce(t, y, weight):
    """(cost, share of predictions on the wrong side of 0.5, errors)"""
    cost = wrong = errors = 0.0
    for ts, ys in _pairs(t, y):
        for a, b in zip(ts, ys, strict=True):
            cost -= weight * a * _log(b) + (1 - a) * _log(1 - b)
            wrong += ((a > 0.5) != (b > 0.5)) / len(ys)
        errors += _first_place_error(ts, ys)
    return cost, wrong, errors


def bce_grad(t, y, weight, coeff):
    t, y = np.asarray(t, np.float64), np.asarray(y, np.float64)
    return -coeff * (weight * t / y - (1 - t) / (1 - y))


def dce(t, y, weight):
    """(cost, wrong, then by class: predictions above 0.5, targets above 0.5, both)"""
    cost, wrong, _ = bce(t, y, weight)
    counts = []
    for ts, ys in zip(np.asarray(t), np.asarray(y), strict=True):
        said = [b > 0.5 for b in ys]
        true = [a > 0.5 for a in ts]
        counts += [sum(said), sum(true), sum(a and b for a, b in zip(said, true, strict=True))]
    return cost, wrong, *map(float, counts)


def rflickr(t, y):
    d = np.asarray(y, np.float64) - np.asarray(t, np.float64)
    return float(sum(math.log(1 + v * v) for v in d.ravel()))


def rflickr_grad(t, y, coeff):
    d = np.asarray(y, np.float64) - np.asarray(t, np.float64)
    return coeff * 2 * d / (1 + d * d)
