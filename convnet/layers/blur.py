"""Gaussian blur."""

from convnet.language.fields import integer, number
from convnet.layers.base import ImageLayer, Recorder, Values, register
from convnet.operations import blur


@register("blur")
class Blur(ImageLayer):
    """y[c, i, j] = sum over a, b of w[a]·w[b]·x[c, i+a-r, j+b-r]   (docs/dialect.md, 3.7)

    w[a] ~ exp(-(a-r)² / (2·stdev²)) for a = 0..filterSize-1, of sum 1; r = filterSize // 2.  Pixels
    outside the image are zero and the weights are not renormalized, so borders darken.  The
    gradient is blurred likewise.
    """

    channels = integer(ge=1, help="channels of the input")
    filter_size = integer(ge=3, le=9, help="side of the filter: 3, 5, 7 or 9")
    stdev = number(gt=0, help="standard deviation of the Gaussian, in pixels")

    def prepare(self) -> None:
        super().prepare()
        if self.filter_size % 2 == 0:
            raise self.wrong("filter_size", f"filterSize must be odd, found {self.filter_size}")
        if self.filter_size > self.side:
            raise self.wrong(
                "filter_size", f"filterSize {self.filter_size} exceeds the image side, {self.side}"
            )

    def multiply_adds(self) -> int:
        return 2 * self.filter_size * self.channels * self.side**2

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        x, y = self.image(v.x[0]), self.image(v.y)
        blur.blur(ops, x, y, self.filter_size, self.stdev, False)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            dy, dx = self.image(v.dy), self.image(v.dx[0])
            blur.blur(ops, dy, dx, self.filter_size, self.stdev, v.adds[0])
