"""What all costs share."""

from collections.abc import Sequence
from typing import ClassVar

from convnet.language.fields import names, number
from convnet.layers.base import Layer, Shape


class Cost(Layer):
    """A term of the objective: the sum over cases of its first number, times `coeff`.

    With coeff = 0 it is reported and not minimized.
    """

    needs_params = True
    is_cost = True
    has_neuron = False
    dropped_fields = ("dropout",)
    reported: ClassVar[tuple[str, ...]] = ("cost",)
    """Names of the numbers that a run leaves, sums over cases, unless `numbers` is overridden."""
    classes: int | None = None  # of costs that read labels: how many classes these may name

    children = names(
        None,
        dialects=("cc2",),
        help="costs of the same type above, whose numbers are added to this one's and not "
        "reported on their own",
    )
    coeff = number(file="params", help="factor in the objective; 0: reported only")

    def output_shape(self) -> Shape:
        return Shape(0)

    def backward_reads_output(self) -> bool:
        return False

    def learning(self) -> dict[str, object]:
        return {"coeff": self.coeff}

    def numbers(self) -> tuple[str, ...]:
        """Names of the sums that a run leaves, in their order."""
        return self.reported

    def report(self, sums: Sequence[float], cases: int) -> dict[str, float]:
        """What is shown of the sums over so many cases: by default each sum a case."""
        return {n: float(s) / cases for n, s in zip(self.numbers(), sums, strict=True)}

    def check_softmax(self, below: Layer) -> None:
        """Check that the layer read as the second input is a softmax."""
        if below.squashing != "softmax":
            raise self.wrong(
                "inputs",
                f"the second input must be a softmax layer, but {below.name} is of type "
                f"{below.type_name}",
                1,
                f"put a layer of type softmax over {below.name} and read that",
            )

    def child_names(self) -> list[str]:
        return [child.text for child in self.children or ()]


class TargetCost(Cost):
    """A cost of predictions y beside a matrix of targets t of the same size: inputs = t, y.

    The targets get no gradient.
    """

    input_count = (2, 2)
    one_for_each_class = True  # the sizes must be the data's number of classes

    def prepare(self) -> None:
        targets, predictions = self.input_shapes
        if targets.size != predictions.size:
            raise self.wrong(
                "inputs",
                f"the first input must have a target for each prediction, but "
                f"{self.inputs[0].text} has {targets.size} values a case, {self.inputs[1].text} "
                f"{predictions.size}",
                0,
                "write inputs=targets,predictions",
            )
        self.size = predictions.size
        classes = self.facts.classes
        if self.one_for_each_class and classes is not None and classes != self.size:
            raise self.wrong(
                "inputs",
                f"{self.inputs[1].text} has {self.size} outputs, the data {classes} classes",
                1,
                f"give the layer below it outputs={classes}, or train with --classes-from-data",
            )

    def differentiates(self, index: int) -> bool:
        return index == 1
