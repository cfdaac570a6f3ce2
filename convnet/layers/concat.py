"""Joining the values of several layers."""

from convnet.layers.base import Layer, Shape, register
from convnet.operations import elementwise


@register("concat")
class Concat(Layer):
    """y = the inputs' values one after the other, in input order   (dialect, 3.7)

    Maps of equal sides give an image with the sum of the channels.
    """

    dialects = ("chm", "cc2")
    input_count = (1, 256)

    def output_shape(self, inputs):
        self.sizes_in = [shape.size for shape in inputs]
        if len({shape[1:] for shape in inputs}) == 1:
            return Shape(sum(shape.channels for shape in inputs), *inputs[0][1:])
        return Shape(sum(self.sizes_in))

    def slices(self):
        """(first row, number of rows) of each input."""
        starts = [sum(self.sizes_in[:i]) for i in range(len(self.sizes_in))]
        return list(zip(starts, self.sizes_in, strict=True))

    def backward_reads_input(self):
        return False

    def backward_reads_output(self):
        return False

    def forward(self, ops, v):
        for x, (start, rows) in zip(v.x, self.slices(), strict=True):
            part = v.y.rows(start, rows)
            if not part.same_memory(x):
                elementwise.scale(ops, x.flat(), part, 1.0, False)

    def backward(self, ops, v):
        for i, (start, rows) in enumerate(self.slices()):
            dx = v.dx[i]
            if dx is not None and not v.dy.rows(start, rows).same_memory(dx):
                elementwise.scale(ops, v.dy.rows(start, rows), dx.flat(), 1.0, v.adds[i])
