"""Fully connected layer."""

from convnet.language.fields import integer
from convnet.layers.base import Shape, Weight, register
from convnet.layers.weighted import WeightLayer
from convnet.operations import bias, fc


@register("fc")
class FullyConnected(WeightLayer):
    """y = sum over inputs of W·x + b, over all values of a case   (dialect, 3.2)

    Weights of an input: (outputs, values of the input).
    """

    input_count = (1, 64)
    outputs = integer(ge=1, help="number of outputs")

    def output_shape(self, inputs):
        self.input_sizes = [shape.size for shape in inputs]
        return Shape(self.outputs)

    def weights(self):
        return [
            Weight((self.outputs, size), (self.outputs, size, 1), deviation)
            for size, deviation in zip(self.input_sizes, self.init_w, strict=True)
        ]

    def biases(self):
        return Weight((self.outputs,), (1, 1, self.outputs), constant=self.init_b)

    def multiply_adds(self):
        return self.outputs * sum(self.input_sizes)

    def backward_reads_output(self):
        return False

    def forward(self, ops, v):
        for i, x in enumerate(v.x):
            fc.forward(ops, x.flat(), v.w[i], v.y.flat(), i > 0)
        bias.forward(ops, v.b, v.y.flat())

    def backward(self, ops, v):
        for i, x in enumerate(v.x):
            if v.dw[i] is not None:
                fc.weights_grad(ops, x.flat(), v.dy.flat(), v.dw[i], v.w_adds[i])
            if v.dx[i] is not None:
                fc.inputs_grad(ops, v.dy.flat(), v.w[i], v.dx[i].flat(), v.adds[i])
        if v.db is not None:
            bias.grad(ops, v.dy.flat(), v.db, v.b_adds)
