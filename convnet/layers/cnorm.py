"""Local contrast normalization within maps (docs/dialect.md, 3.6)."""

from convnet.layers.base import Recorder, Saved, Values, register
from convnet.layers.norm import Normalization
from convnet.operations import cnorm


@register("cnorm")
class ContrastNorm(Normalization):
    """y = x / (minDiv + scale/size² · sum of (x - mean)² over a size×size square) ** pow

    mean: over the square around each pixel, clipped to the image.  The gradient treats the mean as
    a constant, as the originals do, so it is approximate, nearly exact for wide windows
    (docs/dialect.md, 3.6).
    """

    def saved_for_backward(self) -> dict[str, Saved]:
        image = (self.channels, self.side, self.side)
        return {"denominators": Saved(image), "centered": Saved(image)}

    def forward(self, ops: Recorder, v: Values) -> None:
        x, y, denominators = self.forward_arrays(v)
        cnorm.forward(
            ops, x, y, denominators, self.image(v.saved["centered"]),
            self.size, self.effective_scale, self.pow, self.k,
        )  # fmt: skip

    def backward_reads_input(self) -> bool:
        return False

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            _, y, denominators, dy, dx = self.backward_arrays(v, v.dx[0])
            cnorm.backward(
                ops, self.image(v.saved["centered"]), y, dy, denominators, dx,
                self.size, self.effective_scale, self.pow, v.adds[0],
            )  # fmt: skip
