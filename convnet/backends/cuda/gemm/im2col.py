"""Windows of images as operands of products, for `conv` and `local`.

The matrix of windows (im2col) is never stored: `tiles` gathers it from the image.
"""

from typing import NamedTuple

import numpy as np

from convnet.backends.cuda.gemm.gemm import Operand
from convnet.backends.cuda.gemm.tiles import MOST_SIDE
from convnet.backends.cuda.runtime.launch import Array
from convnet.errors import DeviceError


class Sizes(NamedTuple):
    """Sizes of a convolution; channels and filters are those of one group, side the filters'."""

    channels: int
    height: int
    width: int
    side: int
    filters: int
    modules_y: int
    modules_x: int
    cases: int
    padding: int
    stride: int
    groups: int

    @classmethod
    def of(cls, x: Array, side: int, y: Array, padding: int, stride: int, groups: int) -> "Sizes":
        """Return the sizes for x, (C, H, W, N), and y, (F, M, M, N)."""
        c, h, width, n = x.shape
        f, my, mx, _ = y.shape
        return cls(c // groups, h, width, side, f // groups, my, mx, n, padding, stride, groups)

    @property
    def taps(self) -> int:
        return self.channels * self.side**2

    @property
    def pixels(self) -> int:
        return self.height * self.width * self.cases

    @property
    def modules(self) -> int:
        return self.modules_y * self.modules_x

    @property
    def outputs(self) -> int:
        return self.modules * self.cases


def taps_of(s: Sizes) -> np.ndarray:
    """Return the table of taps that `tiles` describes, (taps, 2) int32.

    Taps are in the order (channel, row, column).  DeviceError if a side does not fit into a packed
    pixel.
    """
    if max(s.height, s.width, s.side, s.padding) > MOST_SIDE:
        raise DeviceError(
            f"a convolution of {s.height} x {s.width} pixels, filters of {s.side} x {s.side}, "
            f"padding {s.padding}, is too large for its CUDA kernel, whose sides are at most "
            f"{MOST_SIDE} pixels. Use smaller images, or --device cpu"
        )
    c, r, x = np.ogrid[: s.channels, : s.side, : s.side]
    packed, offset = r << 16 | x | 0 * c, ((c * s.height + r) * s.width + x) * s.cases
    return np.stack([packed.reshape(-1), offset.reshape(-1)], axis=1).astype(np.int32)


def windows(x: Array, kind: int, columns: int, s: Sizes) -> Operand:
    """Return the windows of all modules as an operand; its groups are those of the channels.

    kind: WINDOW or MODULES.  columns: of the operand.
    """
    return _windows(x, kind, (s.channels * s.pixels, columns), s, 0)


def windows_of_module(x: Array, kind: int, columns: int, s: Sizes) -> Operand:
    """Return the windows of single modules as an operand; its groups are the modules."""
    return _windows(x, kind, (0, columns), s, 1)


def _windows(x, kind, first, s, modules):
    limit = s.height - 1 << 16 | s.width - 1
    sizes = *first, s.cases, s.modules_x, s.width, s.stride, s.padding, limit, modules
    return Operand(x, kind, sizes)
