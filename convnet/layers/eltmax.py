"""Elementwise maximum."""

from convnet.layers.base import Layer, Recorder, Values, register
from convnet.operations import eltmax


@register("eltmax")
class ElementwiseMax(Layer):
    """y = max over the inputs; every input equal to the maximum gets the whole gradient

    (docs/dialect.md, 3.7)
    """

    input_count = (2, 64)

    def prepare(self) -> None:
        self.check_equal_sizes()

    def forward(self, ops: Recorder, v: Values) -> None:
        first, *others = (x.flat() for x in v.x)
        for x in others:
            eltmax.forward(ops, first, x, v.y.flat())
            first = v.y.flat()

    def backward(self, ops: Recorder, v: Values) -> None:
        for i, dx in enumerate(v.dx):
            if dx is not None:
                x, y, dy = v.x[i].flat(), v.y.flat(), v.dy.flat()
                eltmax.backward(ops, x, y, dy, dx.flat(), v.adds[i])
