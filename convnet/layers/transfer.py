"""Copies between devices.  `graph.place` puts them where a layer reads one of another device."""

from convnet.layers.base import Kept, Layer
from convnet.operations import elementwise, transfer


class Transfer(Layer):
    """y = x, on another device; backward carries the gradient home and adds it there.

    half_forward, half_backward: activities, gradients are sent as 16-bit floats (`quantF`, `quantB`
    of the layer read; dialect, 6.1).  No layer type of the language: it appears in the plan, where
    copies are to be seen.
    """

    type_name = "copy"
    has_neuron = False
    half_forward = half_backward = False

    def output_shape(self, inputs):
        self.shape = inputs[0]
        return inputs[0]

    def keeps(self):
        return {"arrival": Kept((self.shape.size,), at_input=True)}

    def backward_reads_input(self):
        return False

    def backward_reads_output(self):
        return False

    def forward(self, ops, v):
        self._send(ops, v.x[0].flat(), v.y.flat(), self.half_forward)

    def backward(self, ops, v):
        if v.dx[0] is None:
            return
        if not v.adds[0]:
            self._send(ops, v.dy.flat(), v.dx[0].flat(), self.half_backward)
            return
        arrival = v.kept["arrival"]
        self._send(ops, v.dy.flat(), arrival, self.half_backward)
        elementwise.scale(ops, arrival, v.dx[0].flat(), 1.0, True)

    @staticmethod
    def _send(ops, source, target, half):
        send = transfer.copy_half if half else transfer.copy
        send(ops, source, target)
