"""Binary cross entropy with counts for precision and recall (dialect, 7)."""

from numba import prange

from convnet.backends.base import needs_scratch
from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.ops import cost_bce


@needs_scratch(lambda targets, *_others: 2 * 8 * targets.shape[1])
def forward(targets, y, values, weight, *, scratch):
    """values = [cost, share on the wrong side of 0.5, then by class: declared, positive, both].

    Sums over the cases; the counts are of y > 0.5, of t > 0.5 and of cases with both.
    targets, y: (classes, N); values: float64 (2 + 3 classes,).
    """
    rows = cost_bce.case_rows(scratch, 2, y)
    values[0], values[1] = cost_bce.entropy(targets, y, rows, weight)
    _count_kernel(targets, y, values[2:].reshape(-1, 3))


@parallel
def _count_kernel(targets, y, counts):
    for c in prange(y.shape[0]):
        declared = positive = both = 0.0
        for n in range(y.shape[1]):
            said, true = y[c, n] > 0.5, targets[c, n] > 0.5
            declared += said
            positive += true
            both += said and true
        counts[c, 0], counts[c, 1], counts[c, 2] = declared, positive, both
