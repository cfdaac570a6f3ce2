"""Multinomial logistic regression over a softmax.

Bytes a probability: forward 4, backward 8, 12 where it adds.
"""

import math

import numpy as np
from numba import cuda, float32, float64

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, int32, kernel, uint32
from convnet.backends.cuda.kernels.reduce import lanes_sum
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ops.softmax import LANES, TEAM, THREADS
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, vectorized, width_of
from convnet.backends.cuda.runtime.launch import bytes_of, launch, over, parts_of
from convnet.operations import cost_logreg

_TINY = float(np.finfo(np.float32).tiny)


@implements(
    cost_logreg.forward, scratch=lambda labels, *_others: bytes_of(case_rows(3, labels.shape[1]))
)
def forward(labels, probabilities, values, topk, *, scratch):
    classes, cases = probabilities.shape
    (rows,) = parts_of(scratch, case_rows(3, cases))
    numbers = classes, cases, topk
    ranks = launch(_rank, ceil_div(cases, LANES), labels, probabilities, rows, *numbers)
    return [ranks, total(rows, values)]


@implements(cost_logreg.backward)
def backward(labels, probabilities, dprobabilities, coeff, fused, accumulate):
    cases, count = probabilities.shape[1], probabilities.size
    width = width_of(cases, labels, probabilities, dprobabilities)
    numbers = float(coeff), fused, cases, accumulate, count
    arrays = probabilities, dprobabilities, labels
    return [over(_BACKWARD[width], ceil_div(count, width), *arrays, *numbers)]


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
