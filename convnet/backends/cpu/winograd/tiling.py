"""Whether a convolution goes through Winograd's transforms, and in which tiles.

At a stride S the image is seen as S^2 images, of every S-th row and column (its phases), each with
its own part of the filter: 11x11 filters at stride 4 on 3 channels become 3x3 filters at stride 1
on 48.
"""

from functools import cache
from typing import NamedTuple

from convnet.backends.cpu.winograd.points import SIDES, SIZES

_TRANSFORM = 16  # multiplications that take as long as the transforms of one number
_WORTH = 0.75  # of the direct way's cost, at most


class Tiling(NamedTuple):
    """How a convolution is cut."""

    side: int  # of a tile of pixels
    size: int  # of the filter of a phase
    stride: int

    @property
    def outputs(self) -> int:
        """Of a tile's side."""
        return self.side + 1 - self.size

    @property
    def points(self) -> int:
        return self.side**2

    @property
    def phases(self) -> int:
        return self.stride**2

    def tiles(self, height: int, width: int) -> int:
        """Of an image of outputs."""
        return -(-height // self.outputs) * -(-width // self.outputs)


@cache
def tiling(w_shape, groups: int, stride: int, outputs) -> Tiling | None:
    """The cheapest for a convolution that makes images of shape `outputs` (C, H, W, N).

    None if the multiplications that it saves are not worth its transforms.
    """
    channels, taps, _, filters = w_shape
    size, filters, (_, height, width, _) = -(-taps // stride), filters // groups, outputs
    if size not in SIZES:
        return None

    def cost(way: Tiling) -> int:
        terms = channels * way.phases
        each = terms * filters + _TRANSFORM * (terms + filters)
        return way.points * way.tiles(height, width) * each

    best = min((Tiling(side, size, stride) for side in SIDES), key=cost)
    direct = taps**2 * height * width * channels * filters
    return best if cost(best) <= _WORTH * direct else None
