"""A square part of an image."""

from convnet.language.fields import integer
from convnet.layers.base import ImageLayer, Recorder, Shape, Values, register
from convnet.operations import crop


@register("crop")
class Crop(ImageLayer):
    """y[c, i, j] = x[c, startY + i, startX + j]   (docs/dialect.md, 3.7)

    A square of sizeX pixels a side.  No backward pass: refused above layers with weights.
    cuda-convnet2 checks the right border only; here the square must lie in the image.
    """

    dialects = ("cc2",)
    needs_no_gradient = True

    channels = integer(ge=1, help="channels of the input")
    start_x = integer(key="startX", ge=0, help="first column")
    start_y = integer(None, key="startY", ge=0, help="first row; startX unless given")
    size_x = integer(key="sizeX", ge=1, help="side of the square")

    def prepare(self) -> None:
        super().prepare()
        self.start_row = self.start_x if self.start_y is None else self.start_y
        start = "start_y" if self.start_row > self.start_x else "start_x"
        last = max(self.start_row, self.start_x) + self.size_x
        if last > self.side:
            raise self.wrong(
                start,
                f"a square from pixel {last - self.size_x} to {last - 1} leaves the image, of side "
                f"{self.side}",
            )

    def output_shape(self) -> Shape:
        return Shape(self.channels, self.size_x, self.size_x)

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        y = v.y.shaped(self.channels, self.size_x, self.size_x)
        crop.forward(ops, self.image(v.x[0]), y, self.start_row, self.start_x)

    def backward(self, ops: Recorder, v: Values) -> None:
        pass
