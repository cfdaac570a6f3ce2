"""Multinomial logistic regression cost (paper, 3: the objective; docs/dialect.md, 7)."""

from collections.abc import Sequence

from convnet.language.fields import integer
from convnet.layers.base import Layer, Recorder, Values, register
from convnet.layers.cost import Cost
from convnet.operations import cost_logreg


@register("cost.logreg")
class LogisticRegression(Cost):
    """E = -log y[label], y a softmax layer; inputs = labels, probabilities   (docs/dialect.md, 7)

    Reports E, the top-1 error and the top-k error (k = `topk`).  A case whose label ties with other
    classes at the maximum counts as right in proportion: 1/(classes tied).  In the top-k error,
    with s = k - (classes strictly above): wrong if s <= 0, right if the classes tied with the label
    number at most s, else s/(number tied).
    """

    input_count = (2, 2)
    classifies = True
    fuses_with = "softmax"
    topk = integer(1, file="params", ge=1, dialects=("chm", "cc2"), help="k of the top-k error")

    def prepare(self) -> None:
        labels, probabilities = self.input_shapes
        if labels.size != 1:
            raise self.wrong(
                "inputs",
                f"the first input must be the labels, one value a case, but {self.inputs[0].text} "
                f"has {labels.size}",
                0,
                "write inputs=labels,probabilities",
            )
        self.classes = probabilities.size
        if self.topk > self.classes:
            raise self.wrong(
                "topk",
                f"topk {self.topk} exceeds the number of classes, {self.classes}",
                None,
                f"give at most {self.classes}, or train with --classes-from-data",
            )

    def check_inputs(self, below: Sequence[Layer]) -> None:
        """The second input must be a softmax over the data's classes."""
        self.check_softmax(below[1])
        name, classes = below[1].name, self.facts.classes
        if classes is not None and classes != self.classes:
            raise self.wrong(
                "inputs",
                f"{name} has {self.classes} outputs, the data {classes} classes",
                1,
                f"give the layer below {name} outputs={classes}, or train with --classes-from-data",
            )

    def numbers(self) -> tuple[str, ...]:
        return ("cost", "top-1 error", f"top-{self.topk} error")

    def learning(self) -> dict[str, object]:
        return {**super().learning(), **self.read_here({"topk": self.topk})}

    def differentiates(self, index: int) -> bool:
        return index == 1

    def forward(self, ops: Recorder, v: Values) -> None:
        labels, probabilities = (x.flat() for x in v.x)
        cost_logreg.forward(ops, labels, probabilities, v.costs, self.topk)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[1] is not None:
            labels, probabilities = (x.flat() for x in v.x)
            cost_logreg.backward(
                ops, labels, probabilities, v.dx[1].flat(), self.coeff, self.fused, v.adds[1]
            )
