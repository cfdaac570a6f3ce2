"""Binary cross entropy with counts for precision and recall."""

from numba import float64

from convnet.backends.base import implements
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ops.cost_bce import entropy
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.runtime.launch import bytes_of, over, parts_of
from convnet.operations import cost_dce


@implements(cost_dce.forward, scratch=lambda targets, *_: bytes_of(case_rows(2, targets.shape[1])))
def forward(targets, y, values, weight, *, scratch):
    classes, cases = y.shape
    (rows,) = parts_of(scratch, case_rows(2, cases))
    counts = values.part(2 * 8, (3 * classes,))
    return [
        entropy(targets, y, rows, weight),
        total(rows, values.part(0, (2,))),
        over(_count, classes, targets, y, counts, classes, cases),
    ]


@kernel
def _count(targets, y, counts, classes, cases):
    for c in elements(classes):
        declared, positive, both = float64(0), float64(0), float64(0)
        for n in range(cases):
            said, true = y[c * cases + n] > 0.5, targets[c * cases + n] > 0.5
            declared += 1.0 if said else 0.0
            positive += 1.0 if true else 0.0
            both += 1.0 if said and true else 0.0
        counts[3 * c] = declared
        counts[3 * c + 1] = positive
        counts[3 * c + 2] = both
