"""Ranks of classes among the outputs of a case, and errors by rank (docs/dialect.md, 7).

Outputs that tie share their ranks, so errors may be fractions.
"""

import numpy as np
from numba import prange

from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.rows import copy_row, fill

GROUP = 32  # cases


@inlined
def correct(greater, equal, places):
    """The probability that the label is among the first `places` if ties are broken at random.

    greater, equal: the numbers of outputs greater than and equal to the label's.
    """
    if equal == 0:
        return 0.0
    return min(max(places - greater, 0.0), equal) / equal


@inlined
def count(outputs, chosen, greater, equal):
    """Count one class's outputs that are greater than or equal to the chosen ones, by case.

    The last three are of one type, whose integers suffice for the number of classes.
    """
    real = chosen.dtype.type
    for n in range(outputs.size):
        y = real(outputs[n])
        greater[n] += real(y > chosen[n])
        equal[n] += real(y == chosen[n])


@inlined
def _take_larger(y, best):
    for n in range(y.size):
        best[n] = y[n] if y[n] > best[n] else best[n]


@inlined
def _count_best(y, t, best, tied, hits):
    for n in range(y.size):
        first = np.float64(np.float64(y[n]) == best[n])
        tied[n] += first
        hits[n] += first * np.float64(t[n] > 0)


@inlined
def _errors(best, tied, hits):
    """best = the error of each case; it is 1 where the first output is NaN."""
    for n in range(best.size):
        best[n] = 1.0 - hits[n] / tied[n] if tied[n] > 0 else 1.0


@parallel
def first_place_errors(targets, y, rows):
    """rows[0] = for each case, the fraction of its largest outputs that have no target above 0.

    targets, y: (classes, N).  rows: float64 (3, N), scratch.
    """
    classes, cases = y.shape
    for group in prange((cases + GROUP - 1) // GROUP):
        lo = np.int64(group) * GROUP
        hi = min(lo + GROUP, cases)
        best, tied, hits = rows[0, lo:hi], rows[1, lo:hi], rows[2, lo:hi]
        copy_row(y[0, lo:hi], best)
        fill(tied, 0)
        fill(hits, 0)
        for c in range(1, classes):
            _take_larger(y[c, lo:hi], best)
        for c in range(classes):
            _count_best(y[c, lo:hi], targets[c, lo:hi], best, tied, hits)
        _errors(best, tied, hits)
