"""Softmax over all outputs of a case (docs/dialect.md, 3.7)."""

from convnet.layers.base import Layer, Recorder, Shape, Values, register
from convnet.operations import elementwise, softmax


@register("softmax")
class Softmax(Layer):
    """y[i] = exp(x[i]) / sum over j of exp(x[j]);  dx[i] = y[i]·(dy[i] - sum over j of dy[j]·y[j])

    If its only consumer is a `cost.logreg` or `cost.crossent` on the same device, the two are
    differentiated as one: dx = coeff·(y - target)   (docs/dialect.md, 7).
    """

    squashing = "softmax"

    def output_shape(self) -> Shape:
        return Shape(self.input_shapes[0].size)

    def backward_reads_input(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        softmax.forward(ops, v.x[0].flat(), v.y.flat())

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is None:
            return
        if self.fused:
            elementwise.scale(ops, v.dy.flat(), v.dx[0].flat(), 1.0, v.adds[0])
        else:
            softmax.backward(ops, v.y.flat(), v.dy.flat(), v.dx[0].flat(), v.adds[0])
