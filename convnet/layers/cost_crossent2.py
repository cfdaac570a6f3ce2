"""Cross entropy of independent classes (dialect, 7)."""

from convnet.layers.base import register
from convnet.layers.cost import TargetCost
from convnet.operations import cost_crossent2


def doubt_logistic(layer, nodes):
    """A warning where y need not lie between 0 and 1."""
    below = nodes[1].layer
    if getattr(below, "squashing", None) == "logistic":
        return []
    name = layer.inputs[1].text
    message = f"{layer.name}: {name} is not logistic, so its values may leave the range 0 to 1"
    return [("inputs", message, f"give {name} neuron=logistic")]


@register("cost.crossent2")
class CrossEntropyOfEach(TargetCost):
    """E = -sum of t·log y + (1-t)·log(1-y), y logistic;  inputs = targets, y   (dialect, 7)

    dE/dy = -t/y + (1-t)/(1-y).  (The published code has the second term with the wrong sign.)
    The log of 0 counts as -50.  Reports E.

    Where it is the only reader of a logistic neuron, on the same device, the two are
    differentiated as one: dE/dx = y - t.
    """

    dialects = ("chm",)
    fuses_with = "logistic"

    def doubts(self, nodes):
        return doubt_logistic(self, nodes)

    def forward(self, ops, v):
        targets, y = (x.flat() for x in v.x)
        cost_crossent2.forward(ops, targets, y, v.costs)

    def backward(self, ops, v):
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            dy = v.dx[1].flat()
            cost_crossent2.backward(ops, targets, y, dy, self.coeff, self.fused, v.adds[1])
