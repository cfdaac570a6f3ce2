"""Binary cross entropy with precision and recall, for detection (dialect, 7)."""

from convnet.layers.base import register
from convnet.layers.cost_bce import WeightedEntropy
from convnet.operations import cost_dce

COUNTS = ("declared", "positive", "true positive")


@register("cost.dce")
class DetectionCrossEntropy(WeightedEntropy):
    """E as in cost.bce, for one output a class;  inputs = targets, y   (dialect, 7)

    A run leaves E, the share of outputs on the wrong side of 0.5, and for each class three counts
    of cases: declared (y > 0.5), positive (t > 0.5), and both.  Shown are, besides the first two,
    for each class c `precision c` = both / declared and `recall c` = both / positive, over all the
    cases; a class of which nothing was declared has no precision to show, one without positive
    cases no recall.  (The originals print inf there.)

    Gradient and its fusion with a logistic neuron are those of cost.bce.
    """

    def numbers(self):
        counts = (f"{what} {c}" for c in range(self.size) for what in COUNTS)
        return ("cost", "wrong side", *counts)

    def report(self, sums, cases):
        shown = {"cost": float(sums[0]) / cases, "wrong side": float(sums[1]) / cases}
        for c in range(self.size):
            declared, positive, both = (float(count) for count in sums[2 + 3 * c :][:3])
            if declared:
                shown[f"precision {c}"] = both / declared
            if positive:
                shown[f"recall {c}"] = both / positive
        return shown

    def forward(self, ops, v):
        targets, y = (x.flat() for x in v.x)
        cost_dce.forward(ops, targets, y, v.costs, self.pos_weight)
