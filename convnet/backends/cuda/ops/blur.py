"""Gaussian blur."""

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import bytes_of, over, parts_of
from convnet.operations.blur import blur as declared
from convnet.operations.blur import gaussian_taps


def _part(x, *_others):
    return x.shape, np.float32


@implements(declared, scratch=lambda *args: bytes_of(_part(*args)))
def blur(x, y, size, stdev, accumulate, *, scratch):
    """Sum over rows into scratch memory, then over columns: the filter is a product of two."""
    (along,) = parts_of(scratch, _part(x))
    w = gaussian_taps(size, stdev).astype(np.float32)
    height, width, cases = x.shape[1:]
    return [
        over(_blur, x.size, x, along, w, size, height, width * cases, x.size, False),
        over(_blur, x.size, along, y, w, size, width, cases, x.size, accumulate),
    ]


@kernel
def _blur(x, y, w, size, length, step, count, accumulate):
    """Along an axis of `length` places, `step` elements apart."""
    reach = size // 2
    for e in elements(count):
        _, i = split(split(e, step)[0], length)
        total = np.float32(0)
        for a in range(max(0, i - reach), min(length, i + reach + 1)):
            total += w[a - i + reach] * x[e + (a - i) * step]
        y[e] = y[e] + total if accumulate else total
