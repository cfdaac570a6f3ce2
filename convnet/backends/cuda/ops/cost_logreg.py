"""Multinomial logistic regression cost over a softmax (dialect, 7).

A label that names no class is counted as a wrong answer of the smallest probability, and has no
part in the gradient's one-hot term.  Bytes a probability: forward 4, backward 8, 12 where it adds.
"""

import math

import numpy as np
from numba import cuda, float32, float64

from convnet.backends.base import operation
from convnet.backends.cuda.jit import device_function, int32, kernel, uint32
from convnet.backends.cuda.kernels.reduce import lanes_sum
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ops.softmax import LANES, TEAM, THREADS
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, vectorized, width_of
from convnet.backends.cuda.runtime.launch import bytes_of, launch, over, parts_of

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
    numbers = classes, cases, topk
    ranks = launch(_rank, -(-cases // LANES), labels, probs, rows, *numbers)
    return [ranks, total(rows, values)]


@operation(writes="dprobs")
def backward(labels, probs, dprobs, coeff, fused, accumulate):
    """dprobs (+)= coeff * the gradient of the summed -log p.

    fused: with respect to the softmax's input, p - onehot; else -onehot / p.
    """
    cases, count = probs.shape[1], probs.size
    width = width_of(cases, labels, probs, dprobs)
    numbers = float(coeff), fused, cases, accumulate, count
    return [over(_BACKWARD[width], -(-count // width), probs, dprobs, labels, *numbers)]


@device_function
def correct(greater, equal, places):
    """The chance that the label is among the first `places` if ties are broken at random."""
    if equal == 0:
        return 0.0
    return min(max(places - greater, 0.0), equal) / equal


@kernel(threads=THREADS)
def _rank(labels, probs, rows, classes, cases, topk):
    """A block takes LANES cases, a team of threads the classes of one."""
    n = cuda.blockIdx.x * LANES + cuda.threadIdx.x % LANES
    member = cuda.threadIdx.x // LANES
    known, chosen = False, np.float32(0)
    if n < cases:
        known = labels[n] >= 0 and labels[n] < classes
        chosen = probs[int(labels[n]) * cases + n] if known else np.float32(0)
    greater, equal = int32(0), int32(0)
    for c in range(member, classes if n < cases else 0, TEAM):
        p = probs[c * cases + n]
        greater += 1 if p > chosen else 0
        equal += 1 if p == chosen else 0
    above, beside = lanes_sum(float64(greater), LANES), lanes_sum(float64(equal), LANES)
    if member == 0 and n < cases:
        above = above if known else above + classes
        p = float64(chosen)
        rows[n] = -math.log(_TINY if p < _TINY else p)  # a NaN stays
        rows[cases + n] = 1.0 - correct(above, beside, 1)
        rows[2 * cases + n] = 1.0 - correct(above, beside, topk)


def _backward(WIDTH):
    def logreg_backward(probs, dprobs, labels, coeff, fused, cases, accumulate, count):
        one, zero, tiny = np.float32(1), np.float32(0), np.float32(_TINY)
        v, old = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        label = cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            row = int32(uint32(i) // uint32(cases))
            load_values(v, probs, i, WIDTH)
            load_values(label, labels, i - row * cases, WIDTH)
            if accumulate:
                load_values(old, dprobs, i, WIDTH)
            for k in range(WIDTH):
                here = label[k] == np.float32(row)
                if fused:
                    g = coeff * (v[k] - (one if here else zero))
                else:
                    g = -coeff / (v[k] if v[k] > tiny else tiny) if here else zero
                v[k] = old[k] + g if accumulate else g
            store_values(dprobs, i, v, WIDTH)
            i = int32(i + step)

    return logreg_backward


_BACKWARD = vectorized(_backward, blocks=4)
