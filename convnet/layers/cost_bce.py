"""Binary cross entropy with a weight for the positive targets (docs/dialect.md, 7)."""

from convnet.language.fields import number
from convnet.layers.base import Recorder, Values, register
from convnet.layers.cost import TargetCost
from convnet.operations import cost_bce


class WeightedEntropy(TargetCost):
    """What `cost.bce` and `cost.dce` share: the formula, w = `posWeight`."""

    dialects = ("cc2",)
    fuses_with = "logistic"

    pos_weight = number(1.0, file="params", ge=0, help="factor of the positive targets' terms")

    def learning(self) -> dict[str, object]:
        return {**super().learning(), "posWeight": self.pos_weight}

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            how = (self.pos_weight, self.coeff, self.fused, v.adds[1])
            cost_bce.backward(ops, targets, y, v.dx[1].flat(), *how)


@register("cost.bce")
class BinaryCrossEntropy(WeightedEntropy):
    """E = -sum of w·t·log y + (1-t)·log(1-y), w = posWeight;  inputs = targets, y

    (docs/dialect.md, 7).  dE/dy = -w·t/y + (1-t)/(1-y).  The log of 0 counts as -50.  Reports E;
    the share of outputs on the wrong side of 0.5 (0.5 itself is on the side of 0); and the top-1
    error: 0 if the largest y has a target above 0, 1 if not; of several equally large ones, the
    share without such a target.

    If it is the only consumer of a logistic neuron, on the same device, the two are
    differentiated as one: dE/dx = -w·t·(1-y) + (1-t)·y.
    """

    reported = ("cost", "wrong side", "top-1 error")
    one_for_each_class = False

    def forward(self, ops: Recorder, v: Values) -> None:
        targets, y = (x.flat() for x in v.x)
        cost_bce.forward(ops, targets, y, v.costs, self.pos_weight)
