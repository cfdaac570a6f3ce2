"""Cross entropy of independent classes (docs/dialect.md, 7)."""

from collections.abc import Sequence

from convnet.layers.base import Layer, Recorder, Values, register
from convnet.layers.cost import TargetCost
from convnet.operations import cost_crossent2


def logistic_warnings(layer: Layer, below: Sequence[Layer]) -> list[tuple[str, str, str]]:
    """A warning where y need not lie between 0 and 1."""
    if below[1].squashing == "logistic":
        return []
    name = layer.inputs[1].text
    message = f"{layer.name}: {name} is not logistic, so its values may leave the range 0 to 1"
    return [("inputs", message, f"give {name} neuron=logistic")]


@register("cost.crossent2")
class CrossEntropyOfEach(TargetCost):
    """E = -sum of t·log y + (1-t)·log(1-y), y logistic;  inputs = targets, y

    (docs/dialect.md, 7).  dE/dy = -t/y + (1-t)/(1-y).  (The published code has the second term with
    the wrong sign.)  The log of 0 counts as -50.  Reports E.

    If it is the only consumer of a logistic neuron, on the same device, the two are
    differentiated as one: dE/dx = y - t.
    """

    dialects = ("chm",)
    fuses_with = "logistic"

    def warnings(self, below: Sequence[Layer]) -> list[tuple[str, str, str]]:
        return logistic_warnings(self, below)

    def forward(self, ops: Recorder, v: Values) -> None:
        targets, y = (x.flat() for x in v.x)
        cost_crossent2.forward(ops, targets, y, v.costs)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            dy = v.dx[1].flat()
            cost_crossent2.backward(ops, targets, y, dy, self.coeff, self.fused, v.adds[1])
