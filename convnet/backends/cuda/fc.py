"""Full connections (dialect, 3.2): y = w x, x (inputs, N), w (outputs, inputs), y (outputs, N)."""

import numpy as np
from numba import cuda

from convnet.backends.base import operation
from convnet.errors import DeviceError

from .compiling import kernel
from .launch import over


@operation(writes="y", precision=True)
def forward(x, w, y, accumulate, *, precision):
    """y (+)= w x."""
    _only_fp32(precision)
    (outputs, inputs), cases = w.shape, x.shape[1]
    sizes = (outputs, cases, inputs)
    return [over(plain, y.size, w, x, y, *sizes, 0, inputs, 1, 0, cases, 1, 0, cases, accumulate)]


@operation(writes="dx", precision=True)
def inputs_grad(dy, w, dx, accumulate, *, precision):
    """dx (+)= w' dy."""
    _only_fp32(precision)
    (outputs, inputs), cases = w.shape, dy.shape[1]
    sizes = (inputs, cases, outputs)
    return [
        over(plain, dx.size, w, dy, dx, *sizes, 0, 1, inputs, 0, cases, 1, 0, cases, accumulate)
    ]


@operation(writes="dw", precision=True)
def weights_grad(x, dy, dw, accumulate, *, precision):
    """dw (+)= dy x'."""
    _only_fp32(precision)
    (outputs, inputs), cases = dw.shape, x.shape[1]
    sizes = (outputs, inputs, cases)
    return [
        over(plain, dw.size, dy, x, dw, *sizes, 0, cases, 1, 0, 1, cases, 0, inputs, accumulate)
    ]


def _only_fp32(precision):
    if precision != "fp32":
        raise DeviceError(f"products in {precision} are not built yet; fp32 is")


@kernel
def plain(a, b, out, rows, columns, depth, a0, am, ak, b0, bk, bn, c0, cm, accumulate):
    """out[c0 + m cm + n] (+)= sum over k of a[a0 + m am + k ak] b[b0 + k bk + n bn]."""
    for e in range(cuda.grid(1), rows * columns, cuda.gridsize(1)):
        m, n = e // columns, e % columns
        total = np.float32(0)
        for k in range(depth):
            total += a[a0 + m * am + k * ak] * b[b0 + k * bk + n * bn]
        place = c0 + m * cm + n
        out[place] = out[place] + total if accumulate else total
