"""Local response normalization within maps (dialect, 3.6)."""

from convnet.layers.base import register
from convnet.layers.norm import Normalization


@register("rnorm")
class ResponseNorm(Normalization):
    """y = x / (minDiv + scale/size² · sum of x² over a size×size square of the map) ** pow

    The square starts size//2 before the pixel and is clipped to the image   (dialect, 3.6)
    """

    def forward(self, ops, v):
        x, y, denominators = self.forward_arrays(v)
        ops.rnorm.forward(x, y, denominators, self.size, self.effective_scale, self.pow, self.k)

    def backward(self, ops, v):
        if v.dx[0] is not None:
            x, y, denominators, dy, dx = self.backward_arrays(v, v.dx[0])
            ops.rnorm.backward(
                x, y, dy, denominators, dx, self.size, self.effective_scale, self.pow, v.adds[0]
            )
