"""Dropout.  u < keep is decided exactly, between integers."""

import math

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, inlined, parallel
from convnet.backends.cpu.kernels.philox import words
from convnet.compiling.replay import repeatable
from convnet.operations import dropout

_UNUSED_BITS = np.uint64(8)


@repeatable
@implements(dropout.forward)
def forward(x, y, mask, keep, scale, random):
    threshold = np.uint64(math.ceil(keep * 2**24))
    arrays = [a.reshape(-1) for a in (x, y, mask)]
    _forward_kernel(*arrays, threshold, x.dtype.type(scale), random)


@repeatable
@implements(dropout.backward)
def backward(dy, mask, dx, scale, accumulate):
    arrays = [a.reshape(-1) for a in (dy, mask, dx)]
    _backward_kernel(*arrays, dy.dtype.type(scale), accumulate)


@inlined
def _draw(mask, group, threshold, random):
    """Masks of elements from 4*group on."""
    for g in range(mask.size // 4):
        a, b, c, d = words(group + g, random)
        mask[4 * g] = (a >> _UNUSED_BITS) < threshold
        mask[4 * g + 1] = (b >> _UNUSED_BITS) < threshold
        mask[4 * g + 2] = (c >> _UNUSED_BITS) < threshold
        mask[4 * g + 3] = (d >> _UNUSED_BITS) < threshold
    rest = mask.size % 4
    if rest:
        last = words(group + mask.size // 4, random)
        for lane in range(rest):
            mask[mask.size - rest + lane] = (last[lane] >> _UNUSED_BITS) < threshold


@inlined
def _multiply(x, mask, scale, y):
    for n in range(y.size):
        y[n] = x[n] * (scale * y.dtype.type(mask[n]))


@inlined
def _multiply_add(x, mask, scale, y):
    for n in range(y.size):
        y[n] += x[n] * (scale * y.dtype.type(mask[n]))


@parallel
def _forward_kernel(x, y, mask, threshold, scale, random):
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, x.size)
        _draw(mask[lo:hi], lo // 4, threshold, random)
        _multiply(x[lo:hi], mask[lo:hi], scale, y[lo:hi])


@parallel
def _backward_kernel(dy, mask, dx, scale, accumulate):
    for block in prange((dy.size + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, dy.size)
        if accumulate:
            _multiply_add(dy[lo:hi], mask[lo:hi], scale, dx[lo:hi])
        else:
            _multiply(dy[lo:hi], mask[lo:hi], scale, dx[lo:hi])
