"""Binary cross entropy with counts for precision and recall."""

from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import parallel
from convnet.backends.cpu.ops import cost_bce
from convnet.operations import cost_dce


@implements(cost_dce.forward, scratch=lambda targets, *_others: 2 * 8 * targets.shape[1])
def forward(targets, y, values, weight, *, scratch):
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
