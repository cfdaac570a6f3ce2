"""Topographic independent components: sparse sums of squares over windows (docs/dialect.md, 7)."""

from convnet.language.fields import integer
from convnet.layers.base import ArrayView, Recorder, Saved, Values, register
from convnet.layers.cost import Cost
from convnet.operations import cost_tica


@register("cost.tica")
class TopographicComponents(Cost):
    """E = sum over pixels of 1 / (0.001 + sqrt(S)), S = sum of x² over a window

    (docs/dialect.md, 7).  The window of a pixel is the square of side `sizeX` in the same map that
    starts sizeX/2 (rounded down) before it, clipped to the map.  The gradient is dx[i] = x[i] ·
    (sum of 1 / (0.001 + sqrt(S[j])) over the j in the window of i), approximately that of the sum
    of sqrt(S), which is what is minimized.  As the original's authors note, E is the wrong number
    to report, so differences of E do not agree with the gradient.
    """

    dialects = ("chm",)

    channels = integer(ge=1, help="channels of the input, maps of a square image")
    size_x = integer(ge=1, help="side of the windows")

    def prepare(self) -> None:
        self.side = self.square_image(self.input_shapes[0], self.channels)

    def saved_for_backward(self) -> dict[str, Saved]:
        return {"inverse": Saved((self.channels, self.side, self.side))}

    def _image(self, view: ArrayView) -> ArrayView:
        return view.shaped(self.channels, self.side, self.side)

    def forward(self, ops: Recorder, v: Values) -> None:
        cost_tica.forward(ops, self._image(v.x[0]), v.saved["inverse"], v.costs, self.size_x)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            x, dx = self._image(v.x[0]), self._image(v.dx[0])
            how = (self.size_x, self.coeff, v.adds[0])
            cost_tica.backward(ops, x, v.saved["inverse"], dx, *how)
