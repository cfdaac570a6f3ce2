"""Sum of squares, each case times its gate."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.ranks import GROUP
from convnet.backends.cpu.kernels.rows import fill
from convnet.compiling.kernels import kernel
from convnet.compiling.replay import repeatable
from convnet.operations import cost_gsum2


@implements(cost_gsum2.forward, scratch=lambda gate, *_others: 8 * gate.shape[1])
def forward(gate, x, values, *, scratch):
    squares = scratch[: 8 * x.shape[1]].view(np.float64)
    _squares_kernel(x, squares)
    values[0] = _gated(gate[0], squares)


@repeatable
@implements(cost_gsum2.gate_grad, scratch=lambda x, *_others: 8 * x.shape[1])
def gate_grad(x, dgate, coeff, accumulate, *, scratch):
    squares = scratch[: 8 * x.shape[1]].view(np.float64)
    _squares_kernel(x, squares)
    _put(squares, dgate[0], float(coeff), accumulate)


@repeatable
@implements(cost_gsum2.inputs_grad)
def inputs_grad(gate, x, dx, coeff, accumulate):
    _inputs_kernel(gate[0], x, dx, x.dtype.type(2 * coeff), accumulate)


@inlined
def _add_squares(x, total):
    for n in range(x.size):
        total[n] += np.float64(x[n]) * np.float64(x[n])


@parallel
def _squares_kernel(x, squares):
    rows, cases = x.shape
    for group in prange((cases + GROUP - 1) // GROUP):
        lo = np.int64(group) * GROUP
        hi = min(lo + GROUP, cases)
        fill(squares[lo:hi], 0)
        for c in range(rows):
            _add_squares(x[c, lo:hi], squares[lo:hi])


@kernel()
def _gated(gate, squares):
    """NumPy's product would make a float64 copy of the gates."""
    total = 0.0
    for n in range(squares.size):
        total += np.float64(gate[n]) * squares[n]
    return total


@parallel
def _put(squares, dgate, coeff, accumulate):
    for n in prange(squares.size):
        g = coeff * squares[n]
        if accumulate:
            dgate[n] += g
        else:
            dgate[n] = g


@parallel
def _inputs_kernel(gate, x, dx, factor, accumulate):
    for c in prange(x.shape[0]):
        row, d = x[c], dx[c]
        for n in range(row.size):
            g = factor * gate[n] * row[n]
            if accumulate:
                d[n] += g
            else:
                d[n] = g
