"""Softmax over sets of classes.

The sums Z(k) over sets of k classes are kept in logarithms, in float64.  A thread takes a case,
with tables of its own in scratch memory.
"""

import math

import numpy as np
from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, kernel
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ops.cost_logreg import correct
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import bytes_of, over, parts_of
from convnet.operations import cost_msm

NONE = -math.inf  # the logarithm of no set at all
_LOG_TINY = math.log(np.finfo(np.float32).tiny)


def _forward_parts(energies, size):
    cases = energies.shape[1]
    return case_rows(3, cases), ((cases, size + 1), np.float64)


@implements(
    cost_msm.forward,
    scratch=lambda labels, energies, values, size: bytes_of(*_forward_parts(energies, size)),
)
def forward(labels, energies, values, size, *, scratch):
    rows, sums = parts_of(scratch, *_forward_parts(energies, size))
    sizes = *energies.shape, size
    return [
        over(_loss, energies.shape[1], labels, energies, sums, rows, *sizes),
        over(_rank, energies.shape[1], labels, energies, rows, *sizes),
        total(rows, values),
    ]


def _backward_parts(energies, size):
    classes, cases = energies.shape
    tables = (cases, classes + 1, size + 1), np.float64
    return tables, tables, case_rows(classes, cases)


@implements(
    cost_msm.backward,
    scratch=lambda labels, energies, de, size, *_: bytes_of(*_backward_parts(energies, size)),
)
def backward(labels, energies, de, size, coeff, accumulate, *, scratch):
    front, back, gradient = parts_of(scratch, *_backward_parts(energies, size))
    sizes = *energies.shape, size, np.float64(coeff), accumulate
    arrays = labels, energies, de, front, back, gradient
    return [over(_backward, energies.shape[1], *arrays, *sizes)]


@device_function
def _log_sum(a, b):
    """log(exp(a) + exp(b)); either may be the logarithm of 0."""
    if a == NONE:
        return b
    if b == NONE:
        return a
    d = a - b
    return a + math.log1p(math.exp(-d)) if d > 0 else b + math.log1p(math.exp(d))


@kernel
def _loss(labels, energies, sums, rows, classes, cases, size):
    for n in elements(cases):
        first = n * (size + 1)
        if not (labels[n] >= 0 and labels[n] < classes):
            rows[n] = -_LOG_TINY
            continue
        label = int(labels[n])
        for k in range(size + 1):
            sums[first + k] = float64(0) if k == 0 else float64(NONE)
        for c in range(classes):
            if c != label:
                e = float64(energies[c * cases + n])
                for k in range(size, 0, -1):
                    sums[first + k] = _log_sum(sums[first + k], sums[first + k - 1] + e)
        with_label = float64(energies[label * cases + n]) + sums[first + size - 1]
        # the sets with the label, and those without it
        rows[n] = _log_sum(with_label, sums[first + size]) - with_label


@kernel
def _rank(labels, energies, rows, classes, cases, places):
    for n in elements(cases):
        known = labels[n] >= 0 and labels[n] < classes
        chosen = energies[int(labels[n]) * cases + n] if known else np.float32(math.inf)
        greater, equal = float64(0 if known else classes), float64(0)
        for c in range(classes):
            v = energies[c * cases + n]
            greater += 1.0 if v > chosen else 0.0
            equal += 1.0 if v == chosen else 0.0
        rows[cases + n] = 1.0 - correct(greater, equal, 1)
        rows[2 * cases + n] = 1.0 - correct(greater, equal, places)


@device_function
def _add_shares(
    energies, n, without, size, front, back, base, pitch, factor, gradient, classes, cases
):
    """gradient[c] += factor * P(c in set) over sets of `size` classes of all but one.

    front[c, k], back[c, k]: log Z(k) of the classes before c, and of those from c on.
    """
    for k in range(size + 1):
        start = float64(0) if k == 0 else float64(NONE)
        front[base + k] = start
        back[base + classes * pitch + k] = start
    for c in range(classes):
        e = float64(energies[c * cases + n]) if c != without else float64(NONE)
        here = base + c * pitch
        front[here + pitch] = float64(0)
        for k in range(1, size + 1):
            front[here + pitch + k] = _log_sum(front[here + k], front[here + k - 1] + e)
    for c in range(classes - 1, -1, -1):
        e = float64(energies[c * cases + n]) if c != without else float64(NONE)
        here = base + c * pitch
        back[here] = float64(0)
        for k in range(1, size + 1):
            back[here + k] = _log_sum(back[here + pitch + k], back[here + pitch + k - 1] + e)
    for c in range(classes):
        if c != without:
            here, rest = base + c * pitch, float64(NONE)
            for k in range(size):
                rest = _log_sum(rest, front[here + k] + back[here + pitch + size - 1 - k])
            whole = front[base + classes * pitch + size]
            share = math.exp(float64(energies[c * cases + n]) + rest - whole)
            gradient[c * cases + n] += factor * share


@kernel
def _backward(labels, energies, de, front, back, gradient, classes, cases, size, coeff, accumulate):
    pitch = size + 1
    for n in elements(cases):
        base = n * (classes + 1) * pitch
        for c in range(classes):
            gradient[c * cases + n] = float64(0)
        _add_shares(
            energies, n, -1, size, front, back, base, pitch, coeff, gradient, classes, cases
        )
        if labels[n] >= 0 and labels[n] < classes:
            label = int(labels[n])
            if size > 1:
                _add_shares(
                    energies, n, label, size - 1, front, back, base, pitch, -coeff, gradient,
                    classes, cases,
                )  # fmt: skip
            gradient[label * cases + n] -= coeff
        for c in range(classes):
            e = c * cases + n
            g = gradient[e]
            de[e] = de[e] + g if accumulate else g
