"""The layer that applies a nonlinearity (paper, 3.1; docs/dialect.md, 4)."""

from convnet.layers.base import Dialect, Layer, Recorder, Values, register
from convnet.layers.nonlinearity import Nonlinearity
from convnet.operations import elementwise, neuron


@register("neuron")
class Neuron(Layer):
    """y = f(x), elementwise; `neuron=` on any other layer makes one of these behind it

    (paper, 3.1).  Usually computed in place: activities and gradients share the input's memory.
    """

    has_neuron = False
    requires_neuron = True

    def __init__(
        self, name: str, dialect: Dialect | None = None, nonlinearity: Nonlinearity | None = None
    ):
        super().__init__(name, dialect)
        self.nonlinearity = nonlinearity

    @property
    def function(self) -> Nonlinearity:
        """What the layer computes.  ValueError before it is known."""
        if self.nonlinearity is None:
            raise ValueError(f"{self.name} has no nonlinearity yet")
        return self.nonlinearity

    @property
    def squashing(self) -> str:
        return self.function.kind

    @property
    def uses_random(self) -> bool:
        return self.function.kind == "nrelu"

    def backward_reads_input(self) -> bool:
        return self.function.type.reads_input

    def may_work_in_place(self) -> bool:
        return not self.function.type.reads_input

    def forward(self, ops: Recorder, v: Values) -> None:
        f = self.function
        if f.kind == "nrelu":
            neuron.noisy(ops, v.x[0].flat(), v.y.flat(), v.random)
        else:
            neuron.forward(ops, v.x[0].flat(), v.y.flat(), f.kind, f.a, f.b)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is None:
            return
        if self.fused:
            elementwise.scale(ops, v.dy.flat(), v.dx[0].flat(), 1.0, v.adds[0])
            return
        f = self.function
        kind = "relu" if f.kind == "nrelu" else f.kind
        x, y, dy, dx = (view.flat() for view in (v.x[0], v.y, v.dy, v.dx[0]))
        neuron.backward(ops, x, y, dy, dx, kind, f.a, f.b, v.adds[0])
