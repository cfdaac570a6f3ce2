"""Sums along a tree of labels, and the update of its weights."""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import treefc


@implements(treefc.forward)
def forward(products, parents, y):
    return [over(_forward, y.size, products, parents, y, y.shape[1], y.size)]


@implements(treefc.backward)
def backward(dy, parents, order, gradients):
    sizes = dy.shape[0], gradients.shape[0], dy.shape[1]
    return [over(_backward, dy.shape[1], dy, parents, order, gradients, *sizes)]


@implements(treefc.update)
def update(w, dw, v, hyper, leaves):
    return [over(_update, w.size, w, dw, v, hyper, leaves, w.shape[1], w.size)]


@kernel
def _forward(products, parents, y, cases, count):
    for e in elements(count):
        label, n = split(e, cases)
        total, label = products[e], parents[label]
        while label >= 0:
            total += products[label * cases + n]
            label = parents[label]
        y[e] = total


@kernel
def _backward(dy, parents, order, gradients, classes, labels, cases):
    """A thread a case: children come before their parents."""
    for n in elements(cases):
        for label in range(labels):
            e = label * cases + n
            gradients[e] = dy[e] if label < classes else np.float32(0)
        for i in range(labels - 1, 0, -1):
            label = order[i]
            gradients[parents[label] * cases + n] += gradients[label * cases + n]


@kernel
def _update(w, dw, v, hyper, leaves, inputs, count):
    momentum, rate = np.float32(hyper[0]), np.float32(hyper[1])
    decay = np.float32(hyper[2])
    for e in elements(count):
        label, _ = split(e, inputs)
        z = np.float32(leaves[label])
        moved = momentum * v[e] - rate / z * dw[e] - decay / (z * z) * w[e]
        v[e] = moved
        w[e] += moved
