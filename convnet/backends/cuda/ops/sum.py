"""Sums of neighboring values."""

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import sum as sums


@implements(sums.forward)
def forward(x, y):
    return [over(_forward, y.size, x, y, x.shape[0] // y.shape[0], y.shape[1], y.size)]


@implements(sums.backward)
def backward(dy, dx, accumulate):
    k = dx.shape[0] // dy.shape[0]
    return [over(_backward, dx.size, dy, dx, k, dx.shape[1], dx.size, accumulate)]


@kernel
def _forward(x, y, k, cases, count):
    for e in elements(count):
        row, n = split(e, cases)
        total = x[row * k * cases + n]
        for j in range(1, k):
            total += x[(row * k + j) * cases + n]
        y[e] = total


@kernel
def _backward(dy, dx, k, cases, count, accumulate):
    for e in elements(count):
        row, n = split(e, cases)
        row, _ = split(row, k)
        g = dy[row * cases + n]
        dx[e] = dx[e] + g if accumulate else g
