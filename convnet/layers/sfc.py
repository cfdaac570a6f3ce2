"""Split full connections: every part of the inputs has outputs of its own."""

from convnet.language.fields import integer
from convnet.layers.base import Recorder, Shape, Values, Weight, register
from convnet.layers.weighted import WeightLayer
from convnet.operations import bias, sfc


@register("sfc")
class SplitFullyConnected(WeightLayer):
    """y[k] = sum over inputs of W[k]·x[k] + b[k],  k = 1..parts   (docs/dialect.md, 3.10)

    x[k] is the k-th of `parts` equal slices of an input's values, y[k] the k-th slice, of `outputs`
    values, of the output.  Weights of an input: (outputs, values of the input), W[k] the columns
    of slice k.
    """

    dialects = ("cc2",)
    input_count = (1, 64)
    outputs = integer(ge=1, help="number of outputs of a part")
    parts = integer(ge=1, help="number of parts; divides the values of each input")

    def prepare(self) -> None:
        super().prepare()
        for index, shape in enumerate(self.input_shapes):
            if shape.size % self.parts:
                raise self.wrong(
                    "parts",
                    f"the {shape.size} values of {self.inputs[index].text} cannot be split into "
                    f"{self.parts} equal parts",
                )

    @property
    def input_sizes(self) -> list[int]:
        """Values of each input."""
        return [shape.size for shape in self.input_shapes]

    def output_shape(self) -> Shape:
        return Shape(self.outputs * self.parts)

    def weights(self) -> list[Weight]:
        return [
            Weight((self.outputs, size), (self.outputs, size, 1), deviation)
            for size, deviation in zip(self.input_sizes, self.init_w, strict=True)
        ]

    def biases(self) -> Weight:
        rows = self.outputs * self.parts
        return Weight((rows,), (1, 1, rows), constant=self.init_b)

    def multiply_adds(self) -> int:
        return self.outputs * sum(self.input_sizes)

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        for i, x in enumerate(v.x):
            sfc.forward(ops, x.flat(), v.w[i], v.y.flat(), self.parts, i > 0)
        bias.forward(ops, v.b, v.y.flat())

    def backward(self, ops: Recorder, v: Values) -> None:
        for i, (dw, dx) in enumerate(zip(v.dw, v.dx, strict=True)):
            if dw is not None:
                sfc.weights_grad(ops, v.x[i].flat(), v.dy.flat(), dw, self.parts, v.w_adds[i])
            if dx is not None:
                sfc.inputs_grad(ops, v.dy.flat(), v.w[i], dx.flat(), self.parts, v.adds[i])
        if v.db is not None:
            bias.grad(ops, v.dy.flat(), v.db, v.b_adds)
