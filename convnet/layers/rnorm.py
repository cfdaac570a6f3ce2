"""Local response normalization within maps (dialect, 3.6)."""

from convnet.layers.base import register
from convnet.layers.norm import Normalization
from convnet.operations import rnorm


@register("rnorm")
class ResponseNorm(Normalization):
    """y = x / (minDiv + scale/size² · sum of x² over a size×size square of the map) ** pow

    The square starts size//2 before the pixel and is clipped to the image   (dialect, 3.6)
    """

    def forward(self, ops, v):
        x, y, denominators, _, _ = self.arrays(v)
        rnorm.forward(ops, x, y, denominators, self.size, self.effective_scale, self.pow, self.k)

    def backward(self, ops, v):
        x, y, denominators, dy, dx = self.arrays(v)
        if dx is not None:
            arrays = x, y, dy, denominators, dx
            rnorm.backward(ops, *arrays, self.size, self.effective_scale, self.pow, v.adds[0])
