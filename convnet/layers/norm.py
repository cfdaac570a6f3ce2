"""What the three response normalizations share: their keys and the effective scale."""

from convnet.language.fields import integer, number
from convnet.layers.base import ImageLayer, Kept


class Normalization(ImageLayer):
    """Base of `cmrnorm`, `rnorm`, `cnorm`:  y = x / D ** pow, D = minDiv + scale' · sum of squares.

    scale' is the file's `scale` divided by the number of values in a full window: by size
    (cmrnorm) or size² (rnorm, cnorm), as in all three original systems.  The paper's alpha is
    scale' itself, so alpha = 1e-4 with n = 5 is written scale = 5e-4.
    """

    needs_params = True
    window_dimensions = 2

    channels = integer(ge=1, help="channels of the input")
    size = integer(ge=1, help="length of the window")
    scale = number(file="params", help="weight of the squares; divided by the window before use")
    pow = number(file="params", help="exponent")
    min_div = number(1.0, file="params", gt=0, help="added before the power; the paper's k")

    def output_shape(self, inputs):
        shape = super().output_shape(inputs)
        if self.size > self.longest_window():
            raise self.wrong(
                "size", f"size {self.size} exceeds {self.longest}, {self.longest_window()}"
            )
        return shape

    longest = "the side of the image"

    def longest_window(self):
        return self.side

    @property
    def effective_scale(self) -> float:
        return self.scale / self.size**self.window_dimensions

    @property
    def k(self) -> float:
        if self.dialect is not None and self.type_name not in self.dialect.norms_with_min_div:
            return 1.0
        return self.min_div

    def keeps(self):
        return {"denominators": Kept((self.channels, self.side, self.side))}

    def learning(self):
        found = {"scale": self.effective_scale, "pow": self.pow}
        if self.dialect is None or self.type_name in self.dialect.norms_with_min_div:
            found["minDiv"] = self.k
        return found

    def multiply_adds(self):
        return 3 * self.size**self.window_dimensions * self.channels * self.side**2

    def arrays(self, v):
        """x, y, denominators and, backward, dy, dx as images."""
        found = (v.x[0], v.y, v.kept["denominators"], v.dy, v.dx[0] if v.dx else None)
        return [None if view is None else self.image(view) for view in found]
