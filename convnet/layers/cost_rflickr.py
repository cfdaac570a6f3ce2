"""A robust cost of differences (dialect, 7)."""

from convnet.layers.base import register
from convnet.layers.cost import TargetCost
from convnet.layers.cost_crossent2 import doubt_logistic
from convnet.operations import cost_rflickr


@register("cost.rflickr")
class RobustDifferences(TargetCost):
    """E = sum of log(1 + d²), d = y - t;  inputs = targets, y   (dialect, 7)

    One output a class.  dE/dy = 2d / (1 + d²).  Reports E.
    """

    dialects = ("chm",)

    def doubts(self, nodes):
        return doubt_logistic(self, nodes)

    def forward(self, ops, v):
        targets, y = (x.flat() for x in v.x)
        cost_rflickr.forward(ops, targets, y, v.costs)

    def backward(self, ops, v):
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            cost_rflickr.backward(ops, targets, y, v.dx[1].flat(), self.coeff, v.adds[1])
