"""Joining the values of several layers."""

from typing import ClassVar

from convnet.layers.base import Layer, Recorder, Shape, Values, register
from convnet.operations import elementwise


@register("concat")
class Concat(Layer):
    """y = the inputs' values one after the other, in input order   (docs/dialect.md, 3.7)

    Inputs with maps of one size give an image whose channels are those of all inputs.
    """

    dialects: ClassVar[tuple[str, ...]] = ("chm", "cc2")
    input_count = (1, 256)

    def output_shape(self) -> Shape:
        shapes = self.input_shapes
        if len({shape[1:] for shape in shapes}) == 1:
            return Shape(sum(shape.channels for shape in shapes), *shapes[0][1:])
        return Shape(sum(shape.size for shape in shapes))

    def slices(self) -> list[tuple[int, int]]:
        sizes = [shape.size for shape in self.input_shapes]
        return [(sum(sizes[:i]), size) for i, size in enumerate(sizes)]

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        for x, (start, rows) in zip(v.x, self.slices(), strict=True):
            part = v.y.rows(start, rows)
            if not part.same_memory(x):
                elementwise.scale(ops, x.flat(), part, 1.0, False)

    def backward(self, ops: Recorder, v: Values) -> None:
        for i, (start, rows) in enumerate(self.slices()):
            dx = v.dx[i]
            if dx is not None and not v.dy.rows(start, rows).same_memory(dx):
                elementwise.scale(ops, v.dy.rows(start, rows), dx.flat(), 1.0, v.adds[i])
