"""Local response normalization across maps (paper, 3.3)."""

from convnet.language.fields import boolean
from convnet.layers.base import Recorder, Values, register
from convnet.layers.norm import Normalization
from convnet.operations import cmrnorm


@register("cmrnorm")
class CrossMapResponseNorm(Normalization):
    """y[i] = x[i] / (minDiv + scale/size · sum of x[j]² over `size` maps around i) ** pow

    (paper, 3.3).  The window starts at map i - size//2 (even sizes lean left) and is clipped to the
    maps there are; with `blocked` it is the block of `size` maps that holds i.
    """

    window_dimensions = 1
    blocked = boolean(False, help="the window is the block of `size` maps that holds the map")

    longest = "the number of channels"

    def longest_window(self) -> int:
        return self.channels

    def forward(self, ops: Recorder, v: Values) -> None:
        x, y, denominators = self.forward_arrays(v)
        numbers = self.size, self.effective_scale, self.pow, self.k, self.blocked
        cmrnorm.forward(ops, x, y, denominators, *numbers)

    def backward(self, ops: Recorder, v: Values) -> None:
        if v.dx[0] is not None:
            x, y, denominators, dy, dx = self.backward_arrays(v, v.dx[0])
            cmrnorm.backward(
                ops, x, y, dy, denominators, dx,
                self.size, self.effective_scale, self.pow, self.k, self.blocked, v.adds[0],
            )  # fmt: skip
