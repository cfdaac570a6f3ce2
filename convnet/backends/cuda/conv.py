"""Convolution with shared weights (dialect, 3.3).

x is (C, H, W, N), w (C/groups, K, K, F), y (F, M, M, N).  Module (my, mx) reads the window whose
first pixel is (my * stride - padding, mx * stride - padding); pixels outside the image are zero.
"""

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .fc import _only_fp32
from .launch import over


def _geometry(x, w, y, padding, stride, groups, accumulate):
    image = (x.shape[0] // groups, *x.shape[1:])
    modules = y.shape[0] // groups, y.shape[1], y.shape[2]
    return *image, w.shape[1], *modules, padding, stride, groups, accumulate


@operation(writes="y", precision=True)
def forward(x, w, y, padding, stride, groups, accumulate, *, precision):
    """y (+)= the correlation of x with w."""
    _only_fp32(precision)
    sizes = _geometry(x, w, y, padding, stride, groups, accumulate)
    return [over(_forward, y.size, x, w, y, *sizes)]


@operation(writes="dx", precision=True)
def images_grad(dy, w, dx, padding, stride, groups, accumulate, *, precision):
    """dx (+)= the gradient of x: every pixel gathers from the modules that read it."""
    _only_fp32(precision)
    sizes = _geometry(dx, w, dy, padding, stride, groups, accumulate)
    return [over(_images_grad, dx.size, dy, w, dx, *sizes)]


@operation(writes="dw", precision=True)
def weights_grad(x, dy, dw, padding, stride, groups, accumulate, *, precision):
    """dw (+)= the gradient of w, summed over modules and cases."""
    _only_fp32(precision)
    sizes = _geometry(x, dw, dy, padding, stride, groups, accumulate)
    return [over(_weights_grad, dw.size, x, dy, dw, *sizes)]


@kernel
def _forward(x, w, y, c, h, wd, n, k, f, my, mx, padding, stride, groups, accumulate):
    for e in range(cuda.grid(1), groups * f * my * mx * n, cuda.gridsize(1)):
        case, rest = e % n, e // n
        qx, rest = rest % mx, rest // mx
        qy, filt = rest % my, rest // my
        first = filt // f * c
        total = np.float32(0)
        for i in range(c):
            for r in range(k):
                for s in range(k):
                    py, px = qy * stride - padding + r, qx * stride - padding + s
                    if py >= 0 and py < h and px >= 0 and px < wd:
                        total += (
                            x[(((first + i) * h + py) * wd + px) * n + case]
                            * w[((i * k + r) * k + s) * groups * f + filt]
                        )
        y[e] = y[e] + total if accumulate else total


@kernel
def _images_grad(dy, w, dx, c, h, wd, n, k, f, my, mx, padding, stride, groups, accumulate):
    for e in range(cuda.grid(1), groups * c * h * wd * n, cuda.gridsize(1)):
        case, rest = e % n, e // n
        px, rest = rest % wd + padding, rest // wd
        py, channel = rest % h + padding, rest // h
        first, i = channel // c * f, channel % c
        total = np.float32(0)
        for r in range(k):
            for s in range(k):
                qy, qx = (py - r) // stride, (px - s) // stride
                inside = py >= r and px >= s and qy < my and qx < mx
                if inside and qy * stride == py - r and qx * stride == px - s:
                    for j in range(f):
                        total += (
                            dy[(((first + j) * my + qy) * mx + qx) * n + case]
                            * w[((i * k + r) * k + s) * groups * f + first + j]
                        )
        dx[e] = dx[e] + total if accumulate else total


@kernel
def _weights_grad(x, dy, dw, c, h, wd, n, k, f, my, mx, padding, stride, groups, accumulate):
    for e in range(cuda.grid(1), c * k * k * groups * f, cuda.gridsize(1)):
        filt, rest = e % (groups * f), e // (groups * f)
        s, rest = rest % k, rest // k
        r, i = rest % k, rest // k
        channel = filt // f * c + i
        total = np.float32(0)
        for qy in range(my):
            for qx in range(mx):
                py, px = qy * stride - padding + r, qx * stride - padding + s
                if py >= 0 and py < h and px >= 0 and px < wd:
                    for case in range(n):
                        total += (
                            x[((channel * h + py) * wd + px) * n + case]
                            * dy[((filt * my + qy) * mx + qx) * n + case]
                        )
        dw[e] = dw[e] + total if accumulate else total
