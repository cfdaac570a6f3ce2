"""RGB to CIE Lab."""

import math

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, kernel
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import rgb2lab

_BEND = np.float32(0.0088564517)  # below it the cube root gives way to its tangent


@implements(rgb2lab.forward)
def forward(x, y, center):
    return [over(_forward, x.size // 3, x, y, 66.0 if center else 16.0, x.size // 3)]


@device_function
def _root(t):
    if t > _BEND:
        return np.float32(math.pow(t, np.float32(0.3333)))
    return np.float32(7.787037) * t + np.float32(0.13793103)


@kernel
def _forward(x, y, lowered, columns):
    f = np.float32
    for j in elements(columns):
        red, green, blue = x[j], x[columns + j], x[2 * columns + j]
        fx = _root(f(0.49) * red + f(0.31) * green + f(0.2) * blue)
        fy = _root(f(0.17697) * red + f(0.8124) * green + f(0.01063) * blue)
        fz = _root(f(0.01) * green + f(0.99) * blue)
        y[j] = f(116) * fy - lowered
        y[columns + j] = f(500) * (fx - fy)
        y[2 * columns + j] = f(200) * (fy - fz)
