"""What the two colour transforms share."""

from math import isqrt

from convnet.layers.base import Layer, Shape


class ColourTransform(Layer):
    """Base of `rgb2yuv` and `rgb2lab`: three planes in, three planes out, no backward pass."""

    needs_no_gradient = True

    def output_shape(self, inputs):
        shape = inputs[0]
        if shape.height == shape.width == 1 and shape.size % 3 == 0:
            side = isqrt(shape.size // 3)
            return Shape(3, side, side) if 3 * side * side == shape.size else shape
        if shape.channels != 3:
            raise self.wrong(
                "inputs",
                f"{self.type_name} reads 3 channels, {self.inputs[0].text} is {shape}",
                0,
            )
        return shape

    def backward_reads_input(self):
        return False

    def backward_reads_output(self):
        return False

    def planes(self, view):
        return view.shaped(3, view.size // 3)

    def backward(self, ops, v):
        pass
