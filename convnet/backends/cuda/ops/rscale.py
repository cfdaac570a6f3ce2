"""Images at random scales and places, with the samples of the CPU backend."""

import numpy as np
from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function, kernel
from convnet.backends.cuda.kernels.philox import words
from convnet.backends.cuda.ops.resize import mix
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import rscale

_UNUSED_BITS = np.uint64(8)


@implements(rscale.forward)
def forward(x, y, scales, random):
    sizes = x.shape[1], y.shape[1], y.shape[3], scales, y.size
    return [over(_forward, y.size, x, y, random, *sizes)]


@device_function
def _uniform(word):
    return float64(word >> _UNUSED_BITS) * 2.0**-24


@device_function
def _draw_scale(u, scales):
    """The smallest t whose probability, with those below it, exceeds u."""
    total = scales * (scales + 1) * (2 * scales + 1) / 6.0
    t = 0
    while t < scales - 1 and u * total >= (t + 1) * (t + 2) * (2 * t + 3) / 6.0:
        t += 1
    return t


@kernel
def _forward(x, y, random, side, outputs, cases, scales, count):
    for e in elements(count):
        place, n = split(e, cases)
        place, j = split(place, outputs)
        channel, i = split(place, outputs)
        base = channel * side * side * cases + n
        a, b, c, d = words(n, random)
        size = outputs + _draw_scale(_uniform(a), scales)
        smallest, largest = max(1.0, side / (1.0 + size)), side / (1.0 * size)
        factor = smallest + _uniform(b) * (largest - smallest)
        places = size - outputs + 1
        row, column = int(_uniform(c) * places) + i, int(_uniform(d) * places) + j
        if size == side:
            y[e] = x[base + (row * side + column) * cases]
        else:
            offset = side / 2.0 - size * factor / 2.0
            y[e] = mix(x, base, side, cases, row * factor + offset, column * factor + offset)
