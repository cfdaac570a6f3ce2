"""Gaussian blur."""

import math
from typing import TYPE_CHECKING

from convnet.operations.declaration import Array, operation

if TYPE_CHECKING:
    import numpy as np


@operation(writes="y")
def blur(x: Array, y: Array, size: int, stdev: float, accumulate: bool) -> None:
    """Blur images: y[c, i, j] (+)= the sum of taps[a] * taps[b] * x[c, i + a - r, j + b - r].

    a and b run over 0..size-1, r = size // 2; taps: `gaussian_taps(size, stdev)`.  Pixels outside
    the image are zero and the taps are not renormalized there.  The gradient is blurred likewise.

    x, y: (C, H, W, N).  size: side of the filter, odd; stdev: in pixels.

    Source: docs/dialect.md, 3.7.
    """


def gaussian_taps(size: int, stdev: float) -> "np.ndarray":
    """Return the float64 weights exp(-(a - r)**2 / (2 * stdev**2)), divided by their sum.

    a = 0..size-1, r = size // 2.
    """
    import numpy as np  # here, so that checking spec files does not load it

    distances = [(a - size // 2) / stdev for a in range(size)]
    found = np.array([math.exp(-0.5 * min(d * d, 1e4)) for d in distances])
    taps: np.ndarray = found / found.sum()
    return taps
