"""Binary cross entropy with precision and recall, for detection (docs/dialect.md, 7)."""

from collections.abc import Sequence

from convnet.layers.base import Recorder, Values, register
from convnet.layers.cost_bce import WeightedEntropy
from convnet.operations import cost_dce

COUNTS = ("declared", "positive", "true positive")


@register("cost.dce")
class DetectionCrossEntropy(WeightedEntropy):
    """E as in cost.bce, for one output a class;  inputs = targets, y   (docs/dialect.md, 7)

    Sums E, the share of outputs on the wrong side of 0.5, and for each class three counts of cases:
    declared (y > 0.5), positive (t > 0.5), and both.  Reports the first two and, for each class c,
    `precision c` = both / declared and `recall c` = both / positive over all cases.  Without
    declared cases a class has no precision, without positive ones no recall.  (The originals print
    inf there.)

    The gradient, and its fusion with a logistic neuron, are those of cost.bce.
    """

    def numbers(self) -> tuple[str, ...]:
        counts = (f"{what} {c}" for c in range(self.size) for what in COUNTS)
        return ("cost", "wrong side", *counts)

    def report(self, sums: Sequence[float], cases: int) -> dict[str, float]:
        shown = {"cost": float(sums[0]) / cases, "wrong side": float(sums[1]) / cases}
        for c in range(self.size):
            declared, positive, both = (float(count) for count in sums[2 + 3 * c :][:3])
            if declared:
                shown[f"precision {c}"] = both / declared
            if positive:
                shown[f"recall {c}"] = both / positive
        return shown

    def forward(self, ops: Recorder, v: Values) -> None:
        targets, y = (x.flat() for x in v.x)
        cost_dce.forward(ops, targets, y, v.costs, self.pos_weight)
