"""Sum of squares, each case times a gate (docs/dialect.md, 7)."""

from convnet.layers.base import Recorder, Values, register
from convnet.layers.cost import Cost
from convnet.operations import cost_gsum2


@register("cost.gsum2")
class GatedSumOfSquares(Cost):
    """E = gate · sum of x²;  inputs = gate, x   (docs/dialect.md, 7)

    The gate is one value a case.  dE/dgate = sum of x², dE/dx = 2·gate·x.  Reports E.
    """

    dialects = ("chm",)
    input_count = (2, 2)

    def prepare(self) -> None:
        gate = self.input_shapes[0]
        if gate.size != 1:
            raise self.wrong(
                "inputs",
                f"the first input must be the gate, one value a case, but {self.inputs[0].text} "
                f"has {gate.size}",
                0,
                "write inputs=gate,values",
            )

    def forward(self, ops: Recorder, v: Values) -> None:
        gate, x = (view.flat() for view in v.x)
        cost_gsum2.forward(ops, gate, x, v.costs)

    def backward(self, ops: Recorder, v: Values) -> None:
        gate, x = (view.flat() for view in v.x)
        if v.dx[0] is not None:
            cost_gsum2.gate_grad(ops, x, v.dx[0].flat(), self.coeff, v.adds[0])
        if v.dx[1] is not None:
            cost_gsum2.inputs_grad(ops, gate, x, v.dx[1].flat(), self.coeff, v.adds[1])
