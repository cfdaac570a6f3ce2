"""Elementwise maximum."""

from convnet.layers.base import Layer, register
from convnet.operations import eltmax


@register("eltmax")
class ElementwiseMax(Layer):
    """y = max over the inputs; every input equal to the maximum gets the whole gradient

    (dialect, 3.7)
    """

    input_count = (2, 64)

    def output_shape(self, inputs):
        return self.same_size(inputs)

    def forward(self, ops, v):
        for i, x in enumerate(v.x):
            eltmax.forward(ops, x.flat(), v.y.flat(), i == 0)

    def backward(self, ops, v):
        for i, dx in enumerate(v.dx):
            if dx is not None:
                x, y, dy = v.x[i].flat(), v.y.flat(), v.dy.flat()
                eltmax.backward(ops, x, y, dy, dx.flat(), v.adds[i])
