"""Weighted elementwise sum."""

from convnet.language.fields import number
from convnet.layers.base import Layer, register
from convnet.operations import elementwise


@register("eltsum")
class ElementwiseSum(Layer):
    """y = sum of coeffs[i]·x[i]   (dialect, 3.7)

    `coeffs` stands in the layer file in cuda-convnet 1 and the 2012 source, in the params file in
    cuda-convnet2; our own files may put it in either.
    """

    input_count = (1, 64)
    coeffs = number(1.0, per_input=True, file="either", help="factor of each input")

    def output_shape(self, inputs):
        return self.same_size(inputs)

    def backward_reads_input(self):
        return False

    def backward_reads_output(self):
        return False

    def learning(self):
        in_params = self.dialect is None or self.dialect.coeffs_file != "layers"
        return {"coeffs": list(self.coeffs)} if in_params else {}

    def forward(self, ops, v):
        for i, x in enumerate(v.x):
            elementwise.scale(ops, x.flat(), v.y.flat(), self.coeffs[i], i > 0)

    def backward(self, ops, v):
        for i, dx in enumerate(v.dx):
            if dx is not None:
                elementwise.scale(ops, v.dy.flat(), dx.flat(), self.coeffs[i], v.adds[i])
