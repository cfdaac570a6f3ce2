"""RGB to CIE Lab."""

from convnet.language.fields import boolean
from convnet.layers.base import Recorder, Values, register
from convnet.layers.color import ColorTransform
from convnet.operations import rgb2lab


@register("rgb2lab")
class RgbToLab(ColorTransform):
    """L = 116·f(Y) - 16,  a = 500·(f(X) - f(Y)),  b = 200·(f(Y) - f(Z))   (docs/dialect.md, 3.7)

    X = .49·R + .31·G + .2·B;  Y = .17697·R + .8124·G + .01063·B;  Z = .01·G + .99·B;
    f(t) = t^0.3333 above 0.0088564517, else 7.787037·t + 0.13793103.  Inputs are meant to be
    0..1.  No backward pass: refused above layers with weights.
    """

    center = boolean(False, help="L is lowered by 50, so that gray is near 0")

    def forward(self, ops: Recorder, v: Values) -> None:
        rgb2lab.forward(ops, self.planes(v.x[0]), self.planes(v.y), self.center)
