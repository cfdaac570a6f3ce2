"""Multinomial logistic regression cost over a softmax (dialect, 7).

A label that names no class is counted as a wrong answer of the smallest probability, and has no
part in the gradient's one-hot term.
"""

import math

import numpy as np
from numba import cuda, float64

from convnet.backends.base import operation

from .compiling import inlined, kernel
from .launch import bytes_of, over, parts_of
from .totals import case_rows, total

_TINY = float(np.finfo(np.float32).tiny)


@operation(
    writes="values", scratch=lambda labels, *_others: bytes_of(case_rows(3, labels.shape[1]))
)
def forward(labels, probs, values, topk, *, scratch):
    """values = [sum of -log p, top-1 errors, top-`topk` errors] over the cases.

    labels (1, N) class indices; probs (classes, N); values float64 (3,).  Probabilities that tie
    with the label's share the places left to them, so errors may be fractions.  p is taken for
    no less than the type's smallest normal number.
    """
    classes, cases = probs.shape
    (rows,) = parts_of(scratch, case_rows(3, cases))
    return [over(_rank, cases, labels, probs, rows, classes, cases, topk), total(rows, values)]


@operation(writes="dprobs")
def backward(labels, probs, dprobs, coeff, fused, accumulate):
    """dprobs (+)= coeff * the gradient of the summed -log p.

    fused: with respect to the softmax's input, p - onehot; else -onehot / p.
    """
    numbers = float(coeff), fused, probs.shape[1], probs.size, accumulate
    return [over(_backward, probs.size, labels, probs, dprobs, *numbers)]


@inlined
def correct(greater, equal, places):
    """The chance that the label is among the first `places` if ties are broken at random."""
    if equal == 0:
        return 0.0
    return min(max(places - greater, 0.0), equal) / equal


@kernel
def _rank(labels, probs, rows, classes, cases, topk):
    for n in range(cuda.grid(1), cases, cuda.gridsize(1)):
        label = int(labels[n])
        known = labels[n] >= 0 and labels[n] < classes
        chosen = probs[label * cases + n] if known else np.float32(0)
        greater, equal = float64(0 if known else classes), float64(0)
        for c in range(classes):
            p = probs[c * cases + n]
            greater += float64(1) if p > chosen else float64(0)
            equal += float64(1) if p == chosen else float64(0)
        p = float64(chosen)
        rows[n] = -math.log(_TINY if p < _TINY else p)  # a NaN stays
        rows[cases + n] = 1.0 - correct(greater, equal, 1)
        rows[2 * cases + n] = 1.0 - correct(greater, equal, topk)


@kernel
def _backward(labels, probs, dprobs, coeff, fused, cases, count, accumulate):
    one, zero, tiny = np.float32(1), np.float32(0), np.float32(_TINY)
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        here = labels[e % cases] == np.float32(e // cases)
        p = probs[e]
        if fused:
            g = coeff * (p - (one if here else zero))
        else:
            g = -coeff / (p if p > tiny else tiny) if here else zero
        dprobs[e] = dprobs[e] + g if accumulate else g
