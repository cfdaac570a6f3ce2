"""Sum of squares."""

from convnet.layers.base import register
from convnet.layers.cost import Cost


@register("cost.sum2")
class SumOfSquares(Cost):
    """E = sum of x² over all values of a case;  dE/dx = 2x   (dialect, 7)"""

    def forward(self, ops, v):
        ops.cost_sum2.forward(v.x[0].flat(), v.costs)

    def backward(self, ops, v):
        if v.dx[0] is not None:
            ops.cost_sum2.backward(v.x[0].flat(), v.dx[0].flat(), self.coeff, v.adds[0])
