"""RGB to CIE Lab."""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import BLOCK, called, parallel
from convnet.compiling.replay import repeatable
from convnet.operations import rgb2lab

_BEND = 0.0088564517  # below it the cube root gives way to its tangent


@repeatable
@implements(rgb2lab.forward)
def forward(x, y, center):
    real = x.dtype.type
    _forward_kernel(x.reshape(3, -1), y.reshape(3, -1), real(66 if center else 16))


@called
def _f(t, real):
    if t > real(_BEND):
        return t ** real(0.3333)
    return real(7.787037) * t + real(0.13793103)


@called
def _convert(x, y, lowered):
    real = x.dtype.type
    for n in range(x.shape[1]):
        red, green, blue = x[0, n], x[1, n], x[2, n]
        fx = _f(real(0.49) * red + real(0.31) * green + real(0.2) * blue, real)
        fy = _f(real(0.17697) * red + real(0.8124) * green + real(0.01063) * blue, real)
        fz = _f(real(0.01) * green + real(0.99) * blue, real)
        y[0, n] = real(116) * fy - lowered
        y[1, n] = real(500) * (fx - fy)
        y[2, n] = real(200) * (fy - fz)


@parallel
def _forward_kernel(x, y, lowered):
    columns = x.shape[1]
    for block in prange((columns + BLOCK - 1) // BLOCK):
        lo = np.int64(block) * BLOCK
        hi = min(lo + BLOCK, columns)
        _convert(x[:, lo:hi], y[:, lo:hi], lowered)
