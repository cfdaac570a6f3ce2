"""Where data enters the network."""

from convnet.fields import integer
from convnet.layers.base import Layer, Shape, register


@register("data")
class Data(Layer):
    """One matrix of the data source: 0 the pixels, 1 the labels, 2 the labels as 0/1 columns

    (dialect, 3.1 and 9).  `channels` and `imgSize` are ours: they tell the image's shape, so that
    nothing else has to.
    """

    has_neuron = False
    input_count = (0, 0)
    inputs = None
    gpu = None
    dropout = None

    data_idx = integer(ge=0, le=64, help="index of the matrix in the data source")
    channels = integer(None, ge=1, help="channels of the image")
    img_size = integer(None, ge=1, help="side of the image")
    start = integer(0, ge=0, help="first row used (cuda-convnet2)")
    end = integer(None, ge=1, help="row after the last one used (cuda-convnet2)")

    def image_size(self) -> int | None:
        """Values of a case as the layer itself declares them, if it does."""
        if self.img_size is None:
            return None
        return (self.channels or 3) * self.img_size**2

    def shape_of(self, rows: int) -> Shape:
        """The output's shape, given the rows of the matrix."""
        end = rows if self.end is None else self.end
        if not self.start < end <= rows:
            raise self.wrong(
                "end", f"rows {self.start} to {end} do not lie in the data's {rows} rows"
            )
        if self.img_size is not None and end - self.start == self.image_size():
            return Shape(self.channels or 3, self.img_size, self.img_size)
        return Shape(end - self.start)
