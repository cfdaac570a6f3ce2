"""Cross entropy of independent classes (dialect, 7): that of cost_bce, nothing weighted."""

from convnet.backends.base import operation
from convnet.backends.cuda.kernels.totals import case_rows, total
from convnet.backends.cuda.ops.cost_bce import entropy, slopes
from convnet.backends.cuda.runtime.launch import bytes_of, parts_of


@operation(writes="values", scratch=lambda targets, *_: bytes_of(case_rows(2, targets.shape[1])))
def forward(targets, y, values, *, scratch):
    """values = [sum of -(t log y + (1-t) log(1-y))], float64.  targets, y: (classes, N)."""
    (rows,) = parts_of(scratch, case_rows(2, y.shape[1]))
    cost = rows.part(0, (1, y.shape[1]))
    return [entropy(targets, y, rows, 1.0), total(cost, values)]


@operation(writes="dy")
def backward(targets, y, dy, coeff, fused, accumulate):
    """dy (+)= coeff * (-t/y + (1-t)/(1-y)); fused, to the input of the logistic neuron, y - t."""
    return [slopes(targets, y, dy, 1.0, coeff, fused, accumulate)]
