"""Whether a convolution uses Winograd's transforms, and with which tiles.

A convolution of stride S sees the image as S^2 images, its phases: every S-th row and column.  Each
phase has its own part of the filter.  So 11x11 filters of stride 4 on 3 channels become 3x3 filters
of stride 1 on 48 channels.
"""

from functools import cache
from typing import NamedTuple

from convnet.arithmetic import ceil_div
from convnet.backends.cpu.winograd.points import SIDES, SIZES

_TRANSFORM = 16  # multiplications that take as long as the transforms of one number
_FILTER = 32  # the same of a number of a transformed filter, which goes through memory
_WORTH = 0.75  # highest cost, relative to direct convolution, at which the transforms are used

_LANES = 16  # columns of a vector of 64 bytes; narrower vectors choose alike


class Tiling(NamedTuple):
    """How a convolution is split into tiles.  Kernels see the fields only."""

    side: int  # of a tile of pixels
    size: int  # of the filter of a phase
    stride: int

    @property
    def outputs(self) -> int:
        """The side of a tile of outputs."""
        return self.side + 1 - self.size

    @property
    def points(self) -> int:
        """The number of points of a transformed tile."""
        return self.side**2

    @property
    def phases(self) -> int:
        return self.stride**2

    def tiles(self, height: int, width: int) -> int:
        """The number of tiles of an image of outputs."""
        return ceil_div(height, self.outputs) * ceil_div(width, self.outputs)


class Columns(NamedTuple):
    """Columns [first, first + count) of a product; a column is a tile of outputs of one case.

    per_row: tiles in a row of the image.
    """

    first: int
    count: int
    per_row: int


@cache
def tiling(
    w_shape: tuple[int, ...], groups: int, stride: int, outputs: tuple[int, ...]
) -> Tiling | None:
    """Return the cheapest tiling of a convolution with outputs of shape (C, H, W, N).

    None if direct convolution is cheaper: if the transforms cost more than they save.  Those of the
    filters are shared by all cases, so they weigh most where there are few.
    """
    channels, taps, _, filters = w_shape
    size, filters, (_, height, width, cases) = ceil_div(taps, stride), filters // groups, outputs
    if size not in SIZES:
        return None

    def cost(candidate: Tiling) -> int:
        terms = channels * candidate.phases
        columns = ceil_div(candidate.tiles(height, width) * cases, _LANES) * _LANES
        each = terms * filters + _TRANSFORM * (terms + filters)
        return candidate.points * (columns * each + _FILTER * terms * filters)

    best = min((Tiling(side, size, stride) for side in SIDES), key=cost)
    direct = taps**2 * height * width * cases * channels * filters
    return best if cost(best) <= _WORTH * direct else None
