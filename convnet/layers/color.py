"""What the two color transforms share."""

from math import isqrt

from convnet.layers.base import ArrayView, Layer, Recorder, Shape, Values


class ColorTransform(Layer):
    """Base of `rgb2yuv` and `rgb2lab`: three planes in, three planes out, no backward pass."""

    needs_no_gradient = True

    def prepare(self) -> None:
        shape = self.input_shapes[0]
        if shape.channels != 3 and not _is_flat_in_planes(shape):
            raise self.wrong(
                "inputs",
                f"{self.type_name} reads 3 channels, {self.inputs[0].text} is {shape}",
                0,
            )

    def output_shape(self) -> Shape:
        """An image where the input is one, also where it is flat and its planes are squares."""
        shape = self.input_shapes[0]
        side = isqrt(shape.size // 3)
        square = _is_flat_in_planes(shape) and 3 * side * side == shape.size
        return Shape(3, side, side) if square else shape

    def backward_reads_input(self) -> bool:
        return False

    def backward_reads_output(self) -> bool:
        return False

    def planes(self, view: ArrayView) -> ArrayView:
        return view.shaped(3, view.size // 3)

    def backward(self, ops: Recorder, v: Values) -> None:
        pass


def _is_flat_in_planes(shape: Shape) -> bool:
    """Whether values without a shape can be seen as three planes."""
    return shape.height == shape.width == 1 and shape.size % 3 == 0
