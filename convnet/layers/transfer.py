"""Copies between devices.  `graph.place` puts them where a layer reads one of another device."""

from convnet.layers.base import Layer, Recorder, Saved, Values
from convnet.operations import elementwise, transfer


class Transfer(Layer):
    """y = x, on another device; backward carries the gradient home and adds it there.

    half_forward, half_backward: activities, gradients are sent as 16-bit floats (`quantF`, `quantB`
    of the layer read; dialect, 6.1).  No layer type of the language: it appears in the plan, where
    copies are to be seen.
    """

    type_name = "copy"
    has_neuron = False

    def __init__(self, name, half_forward=False, half_backward=False):
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
    def _send(ops, source, target, half):
        send = transfer.copy_half if half else transfer.copy
        send(ops, source, target)
