"""Cross entropy of independent classes (dialect, 7): that of cost_bce, nothing weighted."""

from convnet.backends.base import needs_scratch
from convnet.backends.cpu.ops import cost_bce
from convnet.compiling.replay import repeatable


@needs_scratch(lambda targets, *_others: 2 * 8 * targets.shape[1])
def forward(targets, y, values, *, scratch):
    """values = [sum of -(t log y + (1-t) log(1-y))], float64.  targets, y: (classes, N)."""
    values[0], _ = cost_bce.entropy(targets, y, cost_bce.case_rows(scratch, 2, y), 1.0)


@repeatable
def backward(targets, y, dy, coeff, fused, accumulate):
    """dy (+)= coeff * (-t/y + (1-t)/(1-y)); fused, to the input of the logistic neuron, y - t."""
    cost_bce.backward(targets, y, dy, 1.0, coeff, fused, accumulate)
