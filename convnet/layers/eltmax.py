"""Elementwise maximum."""

from convnet.layers.base import Layer, register


@register("eltmax")
class ElementwiseMax(Layer):
    """y = max over the inputs; every input equal to the maximum gets the whole gradient

    (dialect, 3.7)
    """

    input_count = (2, 64)

    def prepare(self):
        self.check_equal_sizes()

    def forward(self, ops, v):
        for i, x in enumerate(v.x):
            ops.eltmax.forward(x.flat(), v.y.flat(), i == 0)

    def backward(self, ops, v):
        for i, dx in enumerate(v.dx):
            if dx is not None:
                x, y, dy = v.x[i].flat(), v.y.flat(), v.dy.flat()
                ops.eltmax.backward(x, y, dy, dx.flat(), v.adds[i])
