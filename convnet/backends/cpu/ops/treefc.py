"""Sums along a tree of labels, and the update of its weights."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.rows import copy_row, fill
from convnet.compiling.replay import repeatable
from convnet.operations import treefc

GROUP = 32  # cases


@repeatable
@implements(treefc.forward)
def forward(products, parents, y):
    _forward_kernel(products, parents, y)


@repeatable
@implements(treefc.backward)
def backward(dy, parents, order, gradients):
    _backward_kernel(dy, parents, order, gradients)


@repeatable
@implements(treefc.update)
def update(w, dw, v, hyper, leaves):
    _update_kernel(w, dw, v, hyper, leaves)


@inlined
def _add_row(source, target):
    for n in range(target.size):
        target[n] += source[n]


@inlined
def _step(w, dw, v, momentum, rate, decay):
    for n in range(w.size):
        v[n] = momentum * v[n] - rate * dw[n] - decay * w[n]
        w[n] += v[n]


@parallel
def _forward_kernel(products, parents, y):
    for c in prange(len(y)):
        copy_row(products[c], y[c])
        label = parents[c]
        while label >= 0:
            _add_row(products[label], y[c])
            label = parents[label]


@parallel
def _backward_kernel(dy, parents, order, gradients):
    classes, cases = dy.shape
    for group in prange((cases + GROUP - 1) // GROUP):
        lo = np.int64(group) * GROUP
        hi = min(lo + GROUP, cases)
        for label in range(len(gradients)):
            if label < classes:
                copy_row(dy[label, lo:hi], gradients[label, lo:hi])
            else:
                fill(gradients[label, lo:hi], 0)
        for i in range(order.size - 1, 0, -1):
            label = order[i]
            _add_row(gradients[label, lo:hi], gradients[parents[label], lo:hi])


@parallel
def _update_kernel(w, dw, v, hyper, leaves):
    real = w.dtype.type
    momentum, rate, decay = real(hyper[0]), real(hyper[1]), real(hyper[2])
    for k in prange(len(w)):
        z = real(leaves[k])
        _step(w[k], dw[k], v[k], momentum, rate / z, decay / (z * z))
