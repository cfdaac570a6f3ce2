"""Sum of squares, each case times its gate."""

import numpy as np
from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import bytes_of, over, parts_of
from convnet.operations import cost_gsum2


@implements(cost_gsum2.forward, scratch=lambda gate, *_: bytes_of(case_rows(1, gate.shape[1])))
def forward(gate, x, values, *, scratch):
    (row,) = parts_of(scratch, case_rows(1, x.shape[1]))
    return [over(_gated, x.shape[1], gate, x, row, *x.shape), total(row, values)]


@implements(cost_gsum2.gate_grad)
def gate_grad(x, dgate, coeff, accumulate):
    return [over(_gate_grad, x.shape[1], x, dgate, np.float64(coeff), *x.shape, accumulate)]


@implements(cost_gsum2.inputs_grad)
def inputs_grad(gate, x, dx, coeff, accumulate):
    return [over(_inputs, x.size, gate, x, dx, 2.0 * coeff, x.shape[1], x.size, accumulate)]


@kernel
def _gated(gate, x, row, rows, cases):
    for n in elements(cases):
        squares = float64(0)
        for c in range(rows):
            squares += float64(x[c * cases + n]) * float64(x[c * cases + n])
        row[n] = float64(gate[n]) * squares


@kernel
def _gate_grad(x, dgate, coeff, rows, cases, accumulate):
    for n in elements(cases):
        squares = float64(0)
        for c in range(rows):
            squares += float64(x[c * cases + n]) * float64(x[c * cases + n])
        dgate[n] = dgate[n] + coeff * squares if accumulate else coeff * squares


@kernel
def _inputs(gate, x, dx, factor, cases, count, accumulate):
    for e in elements(count):
        _, n = split(e, cases)
        g = factor * gate[n] * x[e]
        dx[e] = dx[e] + g if accumulate else g
