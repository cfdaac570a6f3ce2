"""Images scaled by bilinear interpolation."""

from math import floor

from convnet.language.fields import integer, number
from convnet.layers.base import ImageLayer, Recorder, Shape, Values, register
from convnet.operations import resize


@register("resize")
class Resize(ImageLayer):
    """y[c, i, j] = x[c, i·scale + m, j·scale + m], interpolated   (docs/dialect.md, 3.7)

    The output's side is T = floor(S / scale), and m = S/2 - T·scale/2 centers it.
    Coordinates are clamped to 0..S-1.01, values between pixels are bilinear.  No backward pass:
    refused above layers with weights.
    """

    needs_no_gradient = True

    channels = integer(ge=1, help="channels of the input")
    scale = number(ge=0.5, le=2, help="pixels of the input for one of the output")

    def prepare(self) -> None:
        super().prepare()
        self.outputs_side = floor(self.side / self.scale)
        if self.outputs_side < 1:
            raise self.wrong("scale", f"nothing is left of an image of side {self.side}")

    def output_shape(self) -> Shape:
        return Shape(self.channels, self.outputs_side, self.outputs_side)

    def sizes(self) -> dict[str, object]:
        return {"tgtSize": self.outputs_side}

    def multiply_adds(self) -> int:
        return 4 * self.channels * self.outputs_side**2

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        y = v.y.shaped(self.channels, self.outputs_side, self.outputs_side)
        resize.forward(ops, self.image(v.x[0]), y, self.scale)

    def backward(self, ops: Recorder, v: Values) -> None:
        pass
