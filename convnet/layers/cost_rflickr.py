"""A robust cost of differences (docs/dialect.md, 7)."""

from collections.abc import Sequence

from convnet.layers.base import Layer, Recorder, Values, register
from convnet.layers.cost import TargetCost
from convnet.layers.cost_crossent2 import logistic_warnings
from convnet.operations import cost_rflickr


@register("cost.rflickr")
class RobustDifferences(TargetCost):
    """E = sum of log(1 + d²), d = y - t;  inputs = targets, y   (docs/dialect.md, 7)

    One output a class.  dE/dy = 2d / (1 + d²).  Reports E.
    """

    dialects = ("chm",)

    def warnings(self, below: Sequence[Layer]) -> list[tuple[str, str, str]]:
        return logistic_warnings(self, below)

    def forward(self, ops: Recorder, v: Values) -> None:
        targets, y = (x.flat() for x in v.x)
        cost_rflickr.forward(ops, targets, y, v.costs)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            cost_rflickr.backward(ops, targets, y, v.dx[1].flat(), self.coeff, v.adds[1])
