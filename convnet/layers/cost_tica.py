"""Topographic independent components: sparse sums of squares over windows (dialect, 7)."""

from convnet.language.fields import integer
from convnet.layers.base import Kept, register
from convnet.layers.cost import Cost
from convnet.operations import cost_tica


@register("cost.tica")
class TopographicComponents(Cost):
    """E = sum over pixels of 1 / (0.001 + sqrt(S)), S = sum of x² over a window   (dialect, 7)

    The window of a pixel is the square of side `sizeX` in the same map that starts sizeX/2 (rounded
    down) before it, clipped to the map.  Back goes dx[i] = x[i] · (sum of 1 / (0.001 + sqrt(S[j]))
    over the j in the window of i), the gradient of about the sum of sqrt(S): that is what is
    minimized, and, as the original's authors note, E is the wrong number to report.  Differences
    of E therefore do not agree with it.
    """

    dialects = ("chm",)

    channels = integer(ge=1, help="channels of the input, maps of a square image")
    size_x = integer(ge=1, help="side of the windows")

    def output_shape(self, inputs):
        self.side = self.square_image(inputs[0], self.channels)
        return super().output_shape(inputs)

    def keeps(self):
        return {"inverse": Kept((self.channels, self.side, self.side))}

    def _image(self, view):
        return view.shaped(self.channels, self.side, self.side)

    def forward(self, ops, v):
        cost_tica.forward(ops, self._image(v.x[0]), v.kept["inverse"], v.costs, self.size_x)

    def backward(self, ops, v):
        if v.dx[0] is not None:
            x, dx = self._image(v.x[0]), self._image(v.dx[0])
            how = (self.size_x, self.coeff, v.adds[0])
            cost_tica.backward(ops, x, v.kept["inverse"], dx, *how)
