"""A square part of an image."""

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import crop


@implements(crop.forward)
def forward(x, y, row, column):
    sizes = x.shape[1], x.shape[2], y.shape[1], y.shape[3]
    return [over(_forward, y.size, x, y, *sizes, row, column, y.size)]


@kernel
def _forward(x, y, height, width, side, cases, row, column, count):
    for e in elements(count):
        place, n = split(e, cases)
        place, j = split(place, side)
        c, i = split(place, side)
        y[e] = x[((c * height + row + i) * width + column + j) * cases + n]
