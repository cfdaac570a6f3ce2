"""Sums of neighboring values."""

from convnet.language.fields import integer
from convnet.layers.base import Layer, Recorder, Shape, Values, register
from convnet.operations import sum as sums


@register("sum")
class Sum(Layer):
    """y[o] = x[o·stride] + ... + x[o·stride + stride - 1];  dx[i] = dy[i // stride]

    (docs/dialect.md, 3.7).  cuda-convnet2 parses this type and cannot run it: the number of outputs
    is its parser's, the values are ours.
    """

    dialects = ("cc2",)
    stride = integer(1, ge=1, help="how many values make one output; divides their number")

    def prepare(self) -> None:
        values = self.input_shapes[0].size
        if values % self.stride:
            raise self.wrong(
                "stride",
                f"stride {self.stride} does not divide the {values} values of "
                f"{self.inputs[0].text}",
            )

    def output_shape(self) -> Shape:
        return Shape(self.input_shapes[0].size // self.stride)

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        sums.forward(ops, v.x[0].flat(), v.y.flat())

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            sums.backward(ops, v.dy.flat(), v.dx[0].flat(), v.adds[0])
