"""Sum of squares."""

from convnet.layers.base import Recorder, Values, register
from convnet.layers.cost import Cost
from convnet.operations import cost_sum2


@register("cost.sum2")
class SumOfSquares(Cost):
    """E = sum of x² over all values of a case;  dE/dx = 2x   (docs/dialect.md, 7)"""

    def forward(self, ops: Recorder, v: Values) -> None:
        cost_sum2.forward(ops, v.x[0].flat(), v.costs)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            cost_sum2.backward(ops, v.x[0].flat(), v.dx[0].flat(), self.coeff, v.adds[0])
