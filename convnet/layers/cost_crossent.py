"""Cross entropy over a softmax, for labels that are a distribution or several classes."""

from collections.abc import Sequence

from convnet.layers.base import Layer, Recorder, Values, register
from convnet.layers.cost import TargetCost
from convnet.operations import cost_crossent


@register("cost.crossent")
class CrossEntropy(TargetCost):
    """E = -sum of t·log y, y a softmax layer;  dE/dy = -t/y;  inputs = targets, y

    (docs/dialect.md, 7).  Targets: one value a class, such as 0 and 1.  The log of a y that is 0
    counts as -50.  Reports E and the error: 0 if the largest y has a target above 0, 1 if not; of
    several equally large ones, the share without such a target.

    If it is the softmax's only consumer, on the same device, the two are differentiated as one:
    dE/dx = y·(sum of t) - t.  (The published code loses the gradient in that case.)
    """

    dialects = ("chm", "cc2")
    reported = ("cost", "error")
    fuses_with = "softmax"

    def check_inputs(self, below: Sequence[Layer]) -> None:
        self.check_softmax(below[1])

    def forward(self, ops: Recorder, v: Values) -> None:
        targets, y = (x.flat() for x in v.x)
        cost_crossent.forward(ops, targets, y, v.costs)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            dy = v.dx[1].flat()
            cost_crossent.backward(ops, targets, y, dy, self.coeff, self.fused, v.adds[1])
