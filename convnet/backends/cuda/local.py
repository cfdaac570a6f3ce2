"""Local connections: convolution whose filters differ from module to module (dialect, 3.3).

Shapes are those of `conv`, with w (M * M, C/groups, K, K, F).  A thread computes one number.
"""

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .finish import finished
from .launch import over


def _sizes(x, w, y, padding, stride, groups):
    """Of an image, its filters and its modules; channels and filters are those of a group."""
    image = x.shape[0] // groups, *x.shape[1:]
    modules = y.shape[0] // groups, y.shape[1], y.shape[2]
    return *image, w.shape[2], *modules, padding, stride, groups


@operation(writes="y")
def forward(x, w, y, padding, stride, groups, accumulate):
    """y (+)= each module's filters applied to its window of x."""
    sizes = _sizes(x, w, y, padding, stride, groups)
    return [over(_forward, y.size, x, w, y, *sizes, y.size, accumulate)]


@operation(writes="y")
def forward_fused(x, w, y, padding, stride, groups, accumulate, biases, kind, a, b):
    """y = f(each module's filters applied to its window of x + biases (+ y)), f a neuron.

    biases: one for each output of a case.
    """
    work = forward(x, w, y, padding, stride, groups, accumulate)
    return [*work, *finished(y, biases, kind, a, b)]


@operation(writes="dx")
def images_grad(dy, w, dx, padding, stride, groups, accumulate):
    """dx (+)= the gradient of x: every pixel gathers from the modules that read it."""
    sizes = _sizes(dx, w, dy, padding, stride, groups)
    return [over(_images_grad, dx.size, dy, w, dx, *sizes, dx.size, accumulate)]


@operation(writes="dw")
def weights_grad(x, dy, dw, padding, stride, groups, accumulate):
    """dw (+)= the gradient of w, summed over cases."""
    sizes = _sizes(x, dw, dy, padding, stride, groups)
    return [over(_weights_grad, dw.size, x, dy, dw, *sizes, dw.size, accumulate)]


@kernel
def _forward(x, w, y, c, h, wd, n, k, f, my, mx, padding, stride, groups, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        case, place = e % n, e // n
        module, filt = place % (my * mx), place // (my * mx)
        top, left = module // mx * stride - padding, module % mx * stride - padding
        first = filt // f * c
        total = np.float32(0)
        for i in range(c):
            for r in range(max(0, -top), min(k, h - top)):
                for s in range(max(0, -left), min(k, wd - left)):
                    v = x[(((first + i) * h + top + r) * wd + left + s) * n + case]
                    at = ((module * c + i) * k + r) * k + s
                    total += v * w[at * groups * f + filt]
        y[e] = y[e] + total if accumulate else total


@kernel
def _images_grad(dy, w, dx, c, h, wd, n, k, f, my, mx, padding, stride, groups, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        case, place = e % n, e // n
        px, py = place % wd + padding, place // wd % h + padding
        channel = place // wd // h
        first, i = channel // c * f, channel % c
        total = np.float32(0)
        for r in range(k):
            for s in range(k):
                qy, qx = (py - r) // stride, (px - s) // stride
                inside = py >= r and px >= s and qy < my and qx < mx
                if inside and qy * stride == py - r and qx * stride == px - s:
                    module = qy * mx + qx
                    at = (((module * c + i) * k + r) * k + s) * groups * f + first
                    for j in range(f):
                        total += w[at + j] * dy[((first + j) * my * mx + module) * n + case]
        dx[e] = dx[e] + total if accumulate else total


@kernel
def _weights_grad(x, dy, dw, c, h, wd, n, k, f, my, mx, padding, stride, groups, count, accumulate):
    for e in range(cuda.grid(1), count, cuda.gridsize(1)):
        filt, place = e % (groups * f), e // (groups * f)
        s, r, i = place % k, place // k % k, place // k // k % c
        module = place // k // k // c
        py, px = module // mx * stride - padding + r, module % mx * stride - padding + s
        total = np.float32(0)
        if py >= 0 and py < h and px >= 0 and px < wd:
            image = (((filt // f * c + i) * h + py) * wd + px) * n
            outputs = (filt * my * mx + module) * n
            for case in range(n):
                total += x[image + case] * dy[outputs + case]
        dw[e] = dw[e] + total if accumulate else total
