"""Softmax over all classes of a case: threads take groups of cases (columns)."""

import numpy as np
from numba import get_num_threads, prange

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.exponentials import exp
from convnet.backends.cpu.kernels.rows import copy_row, fill
from convnet.compiling.replay import repeatable
from convnet.operations import softmax

LEAST_GROUP = 16  # cases: a cache line of float32
SMALL = 1 << 18  # values: on fewer, threads wait longer for each other's caches than one works


def _forward_scratch(x, *_others):
    return x.shape[1] * (8 + x.dtype.itemsize)


@repeatable
@implements(softmax.forward, scratch=_forward_scratch)
def forward(x, y, *, scratch):
    cases = x.shape[1]
    sums = scratch[: 8 * cases].view(np.float64)
    largest = scratch[8 * cases : _forward_scratch(x)].view(x.dtype)
    _forward_kernel(x, y, sums, largest, case_group(*x.shape))


@repeatable
@implements(softmax.backward, scratch=lambda y, *_others: 8 * y.shape[1])
def backward(y, dy, dx, accumulate, *, scratch):
    cases = y.shape[1]
    sums = scratch[: 8 * cases].view(np.float64)
    _backward_kernel(y, dy, dx, sums, accumulate, case_group(*y.shape))


def case_group(classes, cases):
    """Return how many cases a thread takes: whole cache lines, in as few segments as possible."""
    threads = 1 if classes * cases < SMALL else get_num_threads()
    lines = ceil_div(cases, LEAST_GROUP)
    return np.int64(LEAST_GROUP * ceil_div(lines, threads))


@inlined
def _take_larger(x, largest):
    for n in range(x.size):
        largest[n] = x[n] if x[n] > largest[n] else largest[n]


@inlined
def _exponentials(x, largest, y, sums):
    for n in range(x.size):
        e = exp(x[n] - largest[n], x.itemsize)
        y[n] = e
        sums[n] += e


@inlined
def _invert(sums, factors):
    for n in range(sums.size):
        factors[n] = 1 / sums[n]


@inlined
def _multiply(y, factors):
    for n in range(y.size):
        y[n] *= factors[n]


@inlined
def _add_products(y, dy, sums):
    for n in range(y.size):
        sums[n] += np.float64(y[n]) * np.float64(dy[n])


@inlined
def _put_gradient(y, dy, sums, dx, accumulate):
    if accumulate:
        for n in range(y.size):
            dx[n] += y[n] * (dy[n] - sums[n])
    else:
        for n in range(y.size):
            dx[n] = y[n] * (dy[n] - sums[n])


@parallel
def _forward_kernel(x, y, sums, largest, size):
    classes, cases = x.shape
    for group in prange((cases + size - 1) // size):
        lo = np.int64(group) * size
        hi = min(lo + size, cases)
        top, total = largest[lo:hi], sums[lo:hi]
        copy_row(x[0, lo:hi], top)
        fill(total, 0)
        for c in range(1, classes):
            _take_larger(x[c, lo:hi], top)
        for c in range(classes):
            _exponentials(x[c, lo:hi], top, y[c, lo:hi], total)
        _invert(total, top)
        for c in range(classes):
            _multiply(y[c, lo:hi], top)


@parallel
def _backward_kernel(y, dy, dx, sums, accumulate, size):
    classes, cases = y.shape
    for group in prange((cases + size - 1) // size):
        lo = np.int64(group) * size
        hi = min(lo + size, cases)
        total = sums[lo:hi]
        fill(total, 0)
        for c in range(classes):
            _add_products(y[c, lo:hi], dy[c, lo:hi], total)
        for c in range(classes):
            _put_gradient(y[c, lo:hi], dy[c, lo:hi], total, dx[c, lo:hi], accumulate)
