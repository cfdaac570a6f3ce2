"""Local contrast normalization within maps (dialect, 3.6)."""

from convnet.layers.base import Kept, register
from convnet.layers.norm import Normalization
from convnet.operations import cnorm


@register("cnorm")
class ContrastNorm(Normalization):
    """y = x / (minDiv + scale/size² · sum of (x - mean)² over a size×size square) ** pow

    mean: over the square around each pixel, clipped to the image.  The gradient takes the mean as
    a constant, as the originals do: it is approximate, nearly exact for wide windows (dialect, 3.6)
    """

    def keeps(self):
        image = (self.channels, self.side, self.side)
        return {"denominators": Kept(image), "centred": Kept(image)}

    def forward(self, ops, v):
        x, y, denominators, _, _ = self.arrays(v)
        cnorm.forward(
            ops, x, y, denominators, self.image(v.kept["centred"]),
            self.size, self.effective_scale, self.pow, self.k,
        )  # fmt: skip

    def backward_reads_input(self):
        return False

    def backward(self, ops, v):
        _, y, denominators, dy, dx = self.arrays(v)
        if dx is not None:
            cnorm.backward(
                ops, self.image(v.kept["centred"]), y, dy, denominators, dx,
                self.size, self.effective_scale, self.pow, v.adds[0],
            )  # fmt: skip
