"""Softmax over all outputs of a case (dialect, 3.7)."""

from convnet.layers.base import Layer, Shape, register


@register("softmax")
class Softmax(Layer):
    """y[i] = exp(x[i]) / sum over j of exp(x[j]);  dx[i] = y[i]·(dy[i] - sum over j of dy[j]·y[j])

    Where a `cost.logreg` or `cost.crossent` on the same device is its only reader the two are
    differentiated as one: dx = coeff·(y - target)   (dialect, 7).
    """

    squashing = "softmax"

    def output_shape(self):
        return Shape(self.input_shapes[0].size)

    def backward_reads_input(self):
        return False

    def forward(self, ops, v):
        ops.softmax.forward(v.x[0].flat(), v.y.flat())

    def backward(self, ops, v):
        if v.dx[0] is None:
            return
        if self.fused:
            ops.elementwise.scale(v.dy.flat(), v.dx[0].flat(), 1.0, v.adds[0])
        else:
            ops.softmax.backward(v.y.flat(), v.dy.flat(), v.dx[0].flat(), v.adds[0])
