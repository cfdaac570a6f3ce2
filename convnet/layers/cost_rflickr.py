"""A robust cost of differences (dialect, 7)."""

from convnet.layers.base import register
from convnet.layers.cost import TargetCost
from convnet.layers.cost_crossent2 import logistic_warnings


@register("cost.rflickr")
class RobustDifferences(TargetCost):
    """E = sum of log(1 + d²), d = y - t;  inputs = targets, y   (dialect, 7)

    One output a class.  dE/dy = 2d / (1 + d²).  Reports E.
    """

    dialects = ("chm",)

    def warnings(self, below):
        return logistic_warnings(self, below)

    def forward(self, ops, v):
        targets, y = (x.flat() for x in v.x)
        ops.cost_rflickr.forward(targets, y, v.costs)

    def backward(self, ops, v):
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            ops.cost_rflickr.backward(targets, y, v.dx[1].flat(), self.coeff, v.adds[1])
