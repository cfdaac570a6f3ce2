"""Where data enters the network."""

from convnet.language.fields import integer
from convnet.layers.base import Layer, Shape, register


@register("data")
class Data(Layer):
    """One matrix of the data source: 0 the pixels, 1 the labels, 2 the labels as 0/1 columns

    (docs/dialect.md, 3.1 and 9).  `channels` and `imgSize` are ours: they declare the image's
    shape, so that it need not be known from the data.
    """

    is_data = True
    has_neuron = False
    input_count = (0, 0)
    dropped_fields = ("inputs", "gpu", "dropout", "quant_f", "quant_b")

    data_idx = integer(ge=0, le=64, help="index of the matrix in the data source")
    channels = integer(
        None, ge=1, dialects=("convnet",), help="channels of the image; 3 if imgSize is given"
    )
    img_size = integer(None, ge=1, dialects=("convnet",), help="side of the image")
    start = integer(0, ge=0, dialects=("cc2",), help="first row used")
    end = integer(None, ge=1, dialects=("cc2",), help="row after the last one used")

    def declared_image(self) -> Shape | None:
        """The image that the layer itself declares, if it does."""
        if self.img_size is None:
            return None
        return Shape(self.channels or 3, self.img_size, self.img_size)

    def _assumed_rows(self) -> int:
        """Rows of the matrix where its size is not known: labels have one, images as declared."""
        if self.data_idx == 1:
            return 1
        if self.data_idx == 2 and self.facts.classes:
            return self.facts.classes
        image = self.declared_image()
        if image is not None:
            return image.size
        raise self.wrong(
            "data_idx",
            f"the size of data matrix {self.data_idx} is not known",
            None,
            "add imgSize= (and channels=, if not 3), or give --data, or --data-dims with the\n"
            "values per case of matrix 0, 1, ...",
        )

    def prepare(self) -> None:
        """Derive `rows`, the values per case of the matrix, and which of them are the output."""
        known = self.facts.dims.get(self.data_idx)
        self.rows = rows = self._assumed_rows() if known is None else known
        image = self.declared_image()
        if image is not None and image.size > rows:
            raise self.wrong(
                "img_size",
                f"declares images of {image} = {image.size} values, the data has {rows} a case",
                None,
                "--data and --data-dims choose the data, channels= and imgSize= declare it",
            )
        self.last_row = end = rows if self.end is None else self.end
        if not self.start < end <= rows:
            raise self.wrong(
                "start" if self.end is None else "end",
                f"rows {self.start} to {end} do not lie in the data's {rows} rows",
                None,
                "start counts from 0; end is the row after the last",
            )

    def output_shape(self) -> Shape:
        count, image = self.last_row - self.start, self.declared_image()
        return image if image is not None and image.size == count else Shape(count)
