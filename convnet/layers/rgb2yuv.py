"""RGB to YUV."""

from convnet.layers.base import Recorder, Values, register
from convnet.layers.color import ColorTransform
from convnet.operations import rgb2yuv


@register("rgb2yuv")
class RgbToYuv(ColorTransform):
    """(Y, U, V) = M·(R, G, B)   (docs/dialect.md, 3.7)

    Y = .2126·R + .7152·G + .0722·B;  U = -.09991·R - .33609·G + .436·B;
    V = .615·R - .55861·G - .05639·B.  No backward pass: refused above layers with weights.
    """

    def forward(self, ops: Recorder, v: Values) -> None:
        rgb2yuv.forward(ops, self.planes(v.x[0]), self.planes(v.y))
