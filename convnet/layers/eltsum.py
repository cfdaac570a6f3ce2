"""Weighted elementwise sum."""

from convnet.language.fields import number
from convnet.layers.base import Layer, Recorder, Values, register
from convnet.operations import elementwise


@register("eltsum")
class ElementwiseSum(Layer):
    """y = sum of coeffs[i]·x[i]   (docs/dialect.md, 3.7)

    `coeffs` is a key of the layer file in cuda-convnet 1 and the 2012 source, and of the params
    file in cuda-convnet2; in our own files it may be in either.
    """

    input_count = (1, 64)
    coeffs = number(1.0, per_input=True, file="either", help="factor of each input")

    def prepare(self) -> None:
        self.check_equal_sizes()

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def learning(self) -> dict[str, object]:
        in_params = self.dialect is None or self.dialect.coeffs_file != "layers"
        return {"coeffs": list(self.coeffs)} if in_params else {}

    def forward(self, ops: Recorder, v: Values) -> None:
        y, terms = v.y.flat(), [(x.flat(), c) for x, c in zip(v.x, self.coeffs, strict=True)]
        if len(terms) == 1:
            elementwise.scale(ops, terms[0][0], y, terms[0][1], False)
            return
        (a, factor_a), (b, factor_b), *others = terms
        elementwise.weighted_sum(ops, a, b, y, factor_a, factor_b)
        for x, factor in others:
            elementwise.scale(ops, x, y, factor, True)

    def backward(self, ops: Recorder, v: Values) -> None:
        for i, dx in enumerate(v.dx):
            if dx is not None:
                elementwise.scale(ops, v.dy.flat(), dx.flat(), self.coeffs[i], v.adds[i])
