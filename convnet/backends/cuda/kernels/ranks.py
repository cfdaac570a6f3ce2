"""The top-1 error (docs/dialect.md, 7): outputs that tie share the first place.

So the error of a case may be a fraction.
"""

from numba import float64

from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import Array, Launch, over


def first_place_errors(targets: Array, y: Array, rows: Array, row: int) -> Launch:
    """rows[row, n] = the fraction of case n's largest outputs that have no target above 0.

    targets, y: (classes, N).  rows: float64 (count, N).  The error is 1 if y[0, n] is NaN.
    """
    classes, cases = y.shape
    return over(_errors, cases, targets, y, rows, row, classes, cases)


@kernel
def _errors(targets, y, rows, row, classes, cases):
    for n in elements(cases):
        best = y[n]
        for c in range(1, classes):
            v = y[c * cases + n]
            best = v if v > best else best
        tied, hits = float64(0), float64(0)
        for c in range(classes):
            if y[c * cases + n] == best:
                tied += 1.0
                hits += 1.0 if targets[c * cases + n] > 0 else 0.0
        rows[row * cases + n] = 1.0 - hits / tied if tied > 0 else 1.0
