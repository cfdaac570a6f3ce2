"""Softmax over sets of classes (docs/dialect.md, 7)."""

from convnet.language.fields import integer
from convnet.layers.base import Recorder, Values, register
from convnet.layers.cost import Cost
from convnet.operations import cost_msm


@register("cost.msm")
class MultiSoftmax(Cost):
    """E = -log P(label in set), P(set) ~ exp(sum of its energies e)   (docs/dialect.md, 7)

    Inputs = labels, e.  The sets are all those of `setSize` different classes.
    dE/de[c] = P(c in set) - P(c in set | label in set), by recursion over the classes, in
    logarithms and float64.  Reports E, the top-1 error and the top-setSize error, both ranked by
    the energies, with ties as in cost.logreg.  A label that names no class counts as of the
    smallest probability, and its second term is absent.
    """

    dialects = ("chm",)
    input_count = (2, 2)

    set_size = integer(file="params", ge=1, help="classes in a set; fewer than there are")
    threads = integer(1, file="params", ge=1, le=32, help="tuning of the original kernels; ignored")

    def prepare(self) -> None:
        labels, energies = self.input_shapes
        if labels.size != 1:
            raise self.wrong(
                "inputs",
                f"the first input must be the labels, one value a case, but {self.inputs[0].text} "
                f"has {labels.size}",
                0,
                "write inputs=labels,energies",
            )
        self.classes = energies.size
        if self.set_size >= self.classes:
            raise self.wrong(
                "set_size",
                f"setSize must be less than the number of classes, {self.classes}, "
                f"found {self.set_size}",
            )
        classes = self.facts.classes
        if classes is not None and classes != self.classes:
            raise self.wrong(
                "inputs",
                f"{self.inputs[1].text} has {self.classes} outputs, the data {classes} classes",
                1,
                f"give it outputs={classes}",
            )

    def numbers(self) -> tuple[str, ...]:
        return ("cost", "top-1 error", f"top-{self.set_size} error")

    def learning(self) -> dict[str, object]:
        return {**super().learning(), "setSize": self.set_size, "threads": self.threads}

    def differentiates(self, index: int) -> bool:
        return index == 1

    def forward(self, ops: Recorder, v: Values) -> None:
        labels, energies = (x.flat() for x in v.x)
        cost_msm.forward(ops, labels, energies, v.costs, self.set_size)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[1] is not None:
            labels, energies = (x.flat() for x in v.x)
            how = (self.set_size, self.coeff, v.adds[1])
            cost_msm.backward(ops, labels, energies, v.dx[1].flat(), *how)
