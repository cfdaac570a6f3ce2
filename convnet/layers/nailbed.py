"""Every n-th pixel of an image."""

from convnet.arithmetic import ceil_div
from convnet.language.fields import integer
from convnet.layers.base import ArrayView, ImageLayer, Recorder, Shape, Values, register
from convnet.operations import nailbed


@register("nailbed")
class Nailbed(ImageLayer):
    """y[c, i, j] = x[c, start + i·stride, start + j·stride]   (docs/dialect.md, 3.7)

    The output has outputsX = ceil(S / stride) pixels a side; start = (S - stride·(outputsX-1)) // 2
    centers the grid.  All other pixels receive the gradient 0; the originals leave whatever the
    memory held before.
    """

    channels = integer(ge=1, help="channels of the input")
    stride = integer(ge=1, help="distance between the pixels")

    def prepare(self) -> None:
        super().prepare()
        self.outputs_side = ceil_div(self.side, self.stride)
        self.start = (self.side - self.stride * (self.outputs_side - 1)) // 2

    def output_shape(self) -> Shape:
        return Shape(self.channels, self.outputs_side, self.outputs_side)

    def sizes(self) -> dict[str, object]:
        return {"outputsX": self.outputs_side}

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def outputs(self, view: ArrayView) -> ArrayView:
        return view.shaped(self.channels, self.outputs_side, self.outputs_side)

    def forward(self, ops: Recorder, v: Values) -> None:
        nailbed.forward(ops, self.image(v.x[0]), self.outputs(v.y), self.stride, self.start)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            dy, dx = self.outputs(v.dy), self.image(v.dx[0])
            nailbed.backward(ops, dy, dx, self.stride, self.start, v.adds[0])
