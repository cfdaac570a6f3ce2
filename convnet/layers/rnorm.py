"""Local response normalization within maps (docs/dialect.md, 3.6)."""

from convnet.layers.base import Recorder, Values, register
from convnet.layers.norm import Normalization
from convnet.operations import rnorm


@register("rnorm")
class ResponseNorm(Normalization):
    """y = x / (minDiv + scale/size² · sum of x² over a size×size square of the map) ** pow

    The square starts size//2 before the pixel and is clipped to the image   (docs/dialect.md, 3.6)
    """

    def forward(self, ops: Recorder, v: Values) -> None:
        x, y, denominators = self.forward_arrays(v)
        rnorm.forward(ops, x, y, denominators, self.size, self.effective_scale, self.pow, self.k)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            x, y, denominators, dy, dx = self.backward_arrays(v, v.dx[0])
            arrays = x, y, dy, denominators, dx
            rnorm.backward(ops, *arrays, self.size, self.effective_scale, self.pow, v.adds[0])
