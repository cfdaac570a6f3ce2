"""Copies between devices.  `graph.place` puts them where a layer reads one of another device."""

from convnet.layers.base import Kept, Layer


class Transfer(Layer):
    """y = x, on another device; backward carries the gradient home and adds it there.

    No layer type of the language: it appears in the plan, where copies are to be seen.
    """

    type_name = "copy"
    has_neuron = False

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
        ops.transfer.copy(v.x[0].flat(), v.y.flat())

    def backward(self, ops, v):
        if v.dx[0] is None:
            return
        if not v.adds[0]:
            ops.transfer.copy(v.dy.flat(), v.dx[0].flat())
            return
        arrival = v.kept["arrival"]
        ops.transfer.copy(v.dy.flat(), arrival)
        ops.elementwise.scale(arrival, v.dx[0].flat(), 1.0, True)
