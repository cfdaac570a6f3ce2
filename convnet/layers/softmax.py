"""Softmax over all outputs of a case (dialect, 3.7)."""

from convnet.layers.base import Layer, Shape, register
from convnet.operations import elementwise, softmax


@register("softmax")
class Softmax(Layer):
    """y[i] = exp(x[i]) / sum over j of exp(x[j]);  dx[i] = y[i]·(dy[i] - sum over j of dy[j]·y[j])

    Where a `cost.logreg` or `cost.crossent` on the same device is its only reader the two are
    differentiated as one: dx = coeff·(y - target)   (dialect, 7).
    """

    squashing = "softmax"
    fused = False  # the only reader is a cost that gives dE/dx in place of dE/dy

    def output_shape(self, inputs):
        return Shape(inputs[0].size)

    def multiply_adds(self):
        return 0

    def backward_reads_input(self):
        return False

    def forward(self, ops, v):
        softmax.forward(ops, v.x[0].flat(), v.y.flat())

    def backward(self, ops, v):
        if v.dx[0] is None:
            return
        if self.fused:
            elementwise.scale(ops, v.dy.flat(), v.dx[0].flat(), 1.0, v.adds[0])
        else:
            softmax.backward(ops, v.y.flat(), v.dy.flat(), v.dx[0].flat(), v.adds[0])
