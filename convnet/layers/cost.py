"""What all costs share."""

from convnet.fields import number
from convnet.layers.base import Layer, Shape


class Cost(Layer):
    """A term of the objective: the sum over cases of its first number, times `coeff`.

    With coeff = 0 it is reported and not minimized.
    """

    needs_params = True
    has_neuron = False
    dropout = None
    reported = ("cost",)  # names of the numbers reported, sums over cases

    coeff = number(file="params", help="factor in the objective; 0: reported only")

    def output_shape(self, inputs):
        return Shape(0)

    def backward_reads_output(self):
        return False

    def learning(self):
        return {"coeff": self.coeff}

    def numbers(self) -> tuple[str, ...]:
        return self.reported
