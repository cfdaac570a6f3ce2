"""Cross entropy of independent classes: that of cost_bce with weight 1."""

from convnet.backends.base import implements
from convnet.backends.cpu.ops import cost_bce
from convnet.compiling.replay import repeatable
from convnet.operations import cost_crossent2


@implements(cost_crossent2.forward, scratch=lambda targets, *_others: 2 * 8 * targets.shape[1])
def forward(targets, y, values, *, scratch):
    values[0], _ = cost_bce.entropy(targets, y, cost_bce.case_rows(scratch, 2, y), 1.0)


@repeatable
@implements(cost_crossent2.backward)
def backward(targets, y, dy, coeff, fused, accumulate):
    cost_bce.backward(targets, y, dy, 1.0, coeff, fused, accumulate)
