"""Copies between devices.  `graph.place` puts them where a layer reads one of another device."""

from convnet.layers.base import ArrayView, Layer, Recorder, Saved, Values
from convnet.operations import elementwise, transfer


class Transfer(Layer):
    """y = x, on another device; backward copies the gradient back and adds it there.

    half_forward, half_backward: activities, gradients are sent as 16-bit floats (`quantF`, `quantB`
    of the layer read; docs/dialect.md, 6.1).  It is no layer type of the language: `graph.place`
    inserts it, so that every copy is a step of the plan.
    """

    type_name = "copy"
    has_neuron = False

    def __init__(self, name: str, half_forward: bool = False, half_backward: bool = False):
        super().__init__(name)
        self.half_forward, self.half_backward = half_forward, half_backward

    def saved_for_backward(self) -> dict[str, Saved]:
        return {"arrival": Saved((self.input_shapes[0].size,), at_input=True)}

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        self._send(ops, v.x[0].flat(), v.y.flat(), self.half_forward)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is None:
            return
        if not v.adds[0]:
            self._send(ops, v.dy.flat(), v.dx[0].flat(), self.half_backward)
            return
        arrival = v.saved["arrival"]
        self._send(ops, v.dy.flat(), arrival, self.half_backward)
        elementwise.scale(ops, arrival, v.dx[0].flat(), 1.0, True)

    @staticmethod
    def _send(ops: Recorder, source: ArrayView, target: ArrayView, half: bool) -> None:
        send = transfer.copy_half if half else transfer.copy
        send(ops, source, target)
