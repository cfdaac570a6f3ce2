"""Cross entropy over a softmax, for labels that are a distribution or several classes."""

from convnet.layers.base import register
from convnet.layers.cost import TargetCost
from convnet.operations import cost_crossent


@register("cost.crossent")
class CrossEntropy(TargetCost):
    """E = -sum of t·log y, y a softmax layer;  dE/dy = -t/y;  inputs = targets, y   (dialect, 7)

    Targets: one value a class, such as 0 and 1.  The log of a y that is 0 counts as -50.
    Reports E and the error: 0 if the largest y has a target above 0, 1 if not; of several equally
    large ones, the share without such a target.

    Where it is the softmax's only reader, on the same device, the two are differentiated as one:
    dE/dx = y·(sum of t) - t.  (The published code loses the gradient of that case.)
    """

    dialects = ("chm", "cc2")
    reported = ("cost", "error")
    fuses_with = "softmax"

    def check_inputs(self, nodes, classes):
        super().check_inputs(nodes, classes)
        if nodes[1].layer.type_name != "softmax":
            raise self.wrong(
                "inputs",
                f"the second input must be a softmax layer, but {nodes[1].name} is of type "
                f"{nodes[1].layer.type_name}",
                1,
                f"put a layer of type softmax over {nodes[1].name} and read that",
            )

    def forward(self, ops, v):
        targets, y = (x.flat() for x in v.x)
        cost_crossent.forward(ops, targets, y, v.costs)

    def backward(self, ops, v):
        if v.dx[1] is not None:
            targets, y = (x.flat() for x in v.x)
            dy = v.dx[1].flat()
            cost_crossent.backward(ops, targets, y, dy, self.coeff, self.fused, v.adds[1])
