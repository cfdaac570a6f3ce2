"""Local contrast normalization: `rnorm` with other values in the sum of squares."""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ops.rnorm import normalize, normalize_backward
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import cnorm


@implements(cnorm.forward)
def forward(x, y, denominators, centered, size, scale, power, k):
    center = over(_center, x.size, x, centered, *x.shape[1:], size, x.size)
    return [center, normalize(centered, x, y, denominators, size, scale, power, k)]


@implements(cnorm.backward)
def backward(centered, y, dy, denominators, dx, size, scale, power, accumulate):
    return [normalize_backward(centered, y, dy, denominators, dx, size, scale, power, accumulate)]


@kernel
def _center(x, centered, height, width, cases, size, count):
    for e in elements(count):
        row, j = split(split(e, cases)[0], width)
        _, i = split(row, height)
        top, bottom = max(i - size // 2, 0), min(i - size // 2 + size, height)
        left, right = max(j - size // 2, 0), min(j - size // 2 + size, width)
        total = np.float32(0)
        for r in range(top, bottom):
            for s in range(left, right):
                total += x[e + ((r - i) * width + s - j) * cases]
        centered[e] = x[e] - total / np.float32((bottom - top) * (right - left))
