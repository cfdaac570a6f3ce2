"""Fully connected layer."""

from convnet.language.fields import integer
from convnet.layers.base import Recorder, Shape, Values, Weight, register
from convnet.layers.weighted import WeightLayer
from convnet.operations import bias, fc


@register("fc")
class FullyConnected(WeightLayer):
    """y = sum over inputs of W·x + b, over all values of a case   (docs/dialect.md, 3.2)

    Weights of an input: (outputs, values of the input).
    """

    input_count = (1, 64)
    outputs = integer(ge=1, help="number of outputs")

    @property
    def input_sizes(self) -> list[int]:
        """Values of each input."""
        return [shape.size for shape in self.input_shapes]

    def output_shape(self) -> Shape:
        return Shape(self.outputs)

    def weights(self) -> list[Weight]:
        return [
            Weight((self.outputs, size), (self.outputs, size, 1), deviation)
            for size, deviation in zip(self.input_sizes, self.init_w, strict=True)
        ]

    def biases(self) -> Weight:
        return Weight((self.outputs,), (1, 1, self.outputs), constant=self.init_b)

    def multiply_adds(self) -> int:
        return self.outputs * sum(self.input_sizes)

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        for i, x in enumerate(v.x):
            fc.forward(ops, x.flat(), v.w[i], v.y.flat(), i > 0)
        bias.forward(ops, v.b, v.y.flat())

    def backward(self, ops: Recorder, v: Values) -> None:
        for i, (dw, dx) in enumerate(zip(v.dw, v.dx, strict=True)):
            if dw is not None:
                fc.weights_grad(ops, v.x[i].flat(), v.dy.flat(), dw, v.w_adds[i])
            if dx is not None:
                fc.inputs_grad(ops, v.dy.flat(), v.w[i], dx.flat(), v.adds[i])
        if v.db is not None:
            bias.grad(ops, v.dy.flat(), v.db, v.b_adds)
