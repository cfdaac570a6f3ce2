"""What the three response normalizations share: their keys and the effective scale."""

from typing import ClassVar

from convnet.language.fields import integer, number
from convnet.layers.base import ArrayView, ImageLayer, Saved, Values


class Normalization(ImageLayer):
    """Base of `cmrnorm`, `rnorm`, `cnorm`:  y = x / D ** pow, D = minDiv + scale' · sum of squares.

    scale' is the file's `scale` divided by the number of values in a full window: by size
    (cmrnorm) or size² (rnorm, cnorm), as in all three original systems.  The paper's alpha is
    scale' itself, so alpha = 1e-4 with n = 5 is written scale = 5e-4.
    """

    needs_params = True
    window_dimensions: ClassVar[int] = 2
    longest: ClassVar[str] = "the side of the image"

    channels = integer(ge=1, help="channels of the input")
    size = integer(ge=1, help="length of the window")
    scale = number(file="params", help="weight of the squares; divided by the window before use")
    pow = number(file="params", help="exponent")
    min_div = number(1.0, file="params", gt=0, help="added before the power; the paper's k")

    def prepare(self) -> None:
        super().prepare()
        if self.size > self.longest_window():
            raise self.wrong(
                "size", f"size {self.size} exceeds {self.longest}, {self.longest_window()}"
            )

    def longest_window(self) -> int:
        return self.side

    @property
    def window(self) -> int:
        """Values in a full window."""
        return int(self.size**self.window_dimensions)

    @property
    def effective_scale(self) -> float:
        return self.scale / self.window

    @property
    def k(self) -> float:
        if self.dialect is not None and self.type_name not in self.dialect.norms_with_min_div:
            return 1.0
        return self.min_div

    def saved_for_backward(self) -> dict[str, Saved]:
        return {"denominators": Saved((self.channels, self.side, self.side))}

    def learning(self) -> dict[str, object]:
        found: dict[str, object] = {"scale": self.effective_scale, "pow": self.pow}
        if self.dialect is None or self.type_name in self.dialect.norms_with_min_div:
            found["minDiv"] = self.k
        return found

    def multiply_adds(self) -> int:
        return 3 * self.window * self.channels * self.side**2

    def forward_arrays(self, v: Values) -> tuple[ArrayView, ArrayView, ArrayView]:
        """x, y and the denominators as images."""
        return self.image(v.x[0]), self.image(v.y), self.image(v.saved["denominators"])

    def backward_arrays(
        self, v: Values, dx: ArrayView
    ) -> tuple[ArrayView, ArrayView, ArrayView, ArrayView, ArrayView]:
        """The same, then dy and dx."""
        return *self.forward_arrays(v), self.image(v.dy), self.image(dx)
