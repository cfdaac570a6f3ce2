"""Images mirrored left to right."""

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import href


@implements(href.mirror)
def mirror(x, y, accumulate):
    return [over(_mirror, y.size, x, y, y.shape[2], y.shape[3], y.size, accumulate)]


@kernel
def _mirror(x, y, width, cases, count, accumulate):
    for e in elements(count):
        _, j = split(split(e, cases)[0], width)
        v = x[e + (width - 1 - 2 * j) * cases]
        y[e] = y[e] + v if accumulate else v
