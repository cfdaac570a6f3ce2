"""Images mirrored left to right."""

from convnet.language.fields import integer
from convnet.layers.base import ImageLayer, Recorder, Values, register
from convnet.operations import href


@register("href")
class Mirror(ImageLayer):
    """y[c, i, j] = x[c, i, S-1-j]   (docs/dialect.md, 3.7)

    The image mirrored left to right.  dx[c, i, j] = dy[c, i, S-1-j].  The 2012 source overwrites
    the input's gradient with it; here it is added to those of the input's other consumers, as
    everywhere.
    """

    dialects = ("chm", "cc2")
    channels = integer(ge=1, le=3, help="channels of the input")

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        href.mirror(ops, self.image(v.x[0]), self.image(v.y), False)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            href.mirror(ops, self.image(v.dy), self.image(v.dx[0]), v.adds[0])
