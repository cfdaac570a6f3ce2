"""Softmax over sets of classes, one set after the other. docs/dialect.md, 7."""

import math
from itertools import combinations

import numpy as np

from tests.support.reference.costs import _correct


def _share(sets, energies, wanted):
    """The probability, among some sets, of those with a class."""
    top = max(sum(energies[c] for c in each) for each in sets)
    mass = {each: math.exp(sum(energies[c] for c in each) - top) for each in sets}
    return math.fsum(m for each, m in mass.items() if wanted in each) / math.fsum(mass.values())


def msm(labels, energies, size):
    """(sum of -log P(label in set), top-1 errors, top-size errors)"""
    energies = np.asarray(energies, np.float64)
    cost = first = among = 0.0
    for n in range(energies.shape[1]):
        label, e = int(labels[0, n]), energies[:, n]
        sets = list(combinations(range(len(e)), size))
        cost -= math.log(_share(sets, e, label))
        first += 1 - _correct(e, label, 1)
        among += 1 - _correct(e, label, size)
    return cost, first, among


def msm_grad(labels, energies, size, coeff):
    energies = np.asarray(energies, np.float64)
    grad = np.zeros(energies.shape)
    for n in range(energies.shape[1]):
        label, e = int(labels[0, n]), energies[:, n]
        sets = list(combinations(range(len(e)), size))
        with_label = [each for each in sets if label in each]
        for c in range(len(e)):
            grad[c, n] = coeff * (_share(sets, e, c) - _share(with_label, e, c))
    return grad
