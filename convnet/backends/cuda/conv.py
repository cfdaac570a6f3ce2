"""Convolution with shared weights (dialect, 3.3), as products of matrices never written down.

x is (C, H, W, N), w (C/groups, K, K, F), y (F, M, M, N).  Module (my, mx) reads the window whose
first pixel is (my * stride - padding, mx * stride - padding); pixels outside the image are zero.
The windows are gathered while tiles are copied to shared memory (`tiles`).
"""

from typing import NamedTuple

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import kernel
from .finish import finished
from .gemm import Operand, Result, columns, product, rows, scratch_bytes
from .launch import bytes_of, over, parts_of
from .tiles import MODULES, MOST_CHANNELS, MOST_TAPS, WINDOW


class _Sizes(NamedTuple):
    """Of one group: channels, height, width; filters' side; filters, modules; cases."""

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

    @property
    def taps(self) -> int:
        return self.channels * self.side**2

    @property
    def pixels(self) -> int:
        return self.height * self.width * self.cases

    @property
    def outputs(self) -> int:
        return self.modules_y * self.modules_x * self.cases


def _sizes(x, w, y, padding, stride, groups):
    c, h, width, n = x.shape
    f, my, mx, _ = y.shape
    return _Sizes(
        c // groups, h, width, w.shape[1], f // groups, my, mx, n, padding, stride, groups
    )


def _taps(channels, side):
    """Packed taps in the order (channel, row, column)."""
    if channels >= MOST_CHANNELS or side > MOST_TAPS:
        raise ValueError(f"{channels} channels and filters of {side} pixels a side are too many")
    c, r, s = np.ogrid[:channels, :side, :side]
    return (c << 16 | r << 8 | s).astype(np.int32).reshape(-1)


# -- forward ------------------------------------------------------------------


def _forward_scratch(x, w, y, padding, stride, groups, accumulate, *, precision):
    s = _sizes(x, w, y, padding, stride, groups)
    return scratch_bytes(s.filters, s.outputs, s.taps, groups, precision)


@operation(writes="y", scratch=_forward_scratch, precision=True)
def forward(x, w, y, padding, stride, groups, accumulate, *, precision, scratch):
    """y (+)= the correlation of x with w."""
    s = _sizes(x, w, y, padding, stride, groups)
    a = rows(w, s.filters, s.filters * groups, s.filters)
    b = _windows(x, WINDOW, s.outputs, s.modules_x, s, stride, padding)
    result = Result(y, s.outputs, s.filters * s.outputs)
    taps = _taps(s.channels, s.side)
    return product(a, b, result, s.taps, groups, accumulate, precision, scratch, taps)


def _fused_scratch(*arguments, precision):
    return _forward_scratch(*arguments[:-4], precision=precision)


@operation(writes="y", scratch=_fused_scratch, precision=True)
def forward_fused(
    x, w, y, padding, stride, groups, accumulate, biases, kind, a, b, *, precision, scratch
):
    """y = f(the correlation of x with w + biases (+ y)), f a neuron; a bias for each filter."""
    work = forward(
        x, w, y, padding, stride, groups, accumulate, precision=precision, scratch=scratch
    )
    return [*work, *finished(y, biases, kind, a, b)]


def _windows(x, kind, count, modules_x, s, stride, padding) -> Operand:
    """The windows of x: `count` columns, of which `modules_x` modules lie in a row."""
    image = s.channels * s.pixels
    sizes = image, count, s.cases, modules_x, s.height, s.width, stride, padding
    return Operand(x, kind, sizes)


# -- gradient of the images ------------------------------------------------------------------


def _images_scratch(dy, w, dx, padding, stride, groups, accumulate, *, precision):
    s = _sizes(dx, w, dy, padding, stride, groups)
    return bytes_of((w.shape, np.float32), ((_images_shares(s, precision),), np.uint8))


def _images_shares(s, precision):
    return scratch_bytes(s.channels, s.pixels, s.filters * s.side**2, s.groups, precision)


@operation(writes="dx", scratch=_images_scratch, precision=True)
def images_grad(dy, w, dx, padding, stride, groups, accumulate, *, precision, scratch):
    """dx (+)= the gradient of x: every pixel gathers from the modules that read it.

    With stride 1 this is a correlation of dy with the filters turned by half a turn.
    """
    s = _sizes(dx, w, dy, padding, stride, groups)
    if stride > 1:
        return [over(_images_grad, dx.size, dy, w, dx, *_numbers(s, accumulate))]
    turned, shares = parts_of(
        scratch, (w.shape, np.float32), ((_images_shares(s, precision),), np.uint8)
    )
    turn = over(_turn, w.size, w, turned, s.channels, s.side, s.filters, groups)
    a = rows(turned, s.channels, s.channels * groups, s.channels)
    b = _windows(dy, WINDOW, s.pixels, s.width, _mirrored(s), 1, s.side - 1 - padding)
    result = Result(dx, s.pixels, s.channels * s.pixels)
    depth, taps = s.filters * s.side**2, _taps(s.filters, s.side)
    return [turn, *product(a, b, result, depth, groups, accumulate, precision, shares, taps)]


def _mirrored(s: _Sizes) -> _Sizes:
    """With the outputs as the images that are read."""
    return s._replace(channels=s.filters, height=s.modules_y, width=s.modules_x)


def _numbers(s, accumulate):
    modules = s.filters, s.modules_y, s.modules_x, s.padding, s.stride, s.groups
    return s.channels, s.height, s.width, s.cases, s.side, *modules, accumulate


# -- gradient of the weights ------------------------------------------------------------------


def _weights_scratch(x, dy, dw, padding, stride, groups, accumulate, *, precision):
    s = _sizes(x, dw, dy, padding, stride, groups)
    return scratch_bytes(s.taps, s.filters, s.outputs, groups, precision)


@operation(writes="dw", scratch=_weights_scratch, precision=True)
def weights_grad(x, dy, dw, padding, stride, groups, accumulate, *, precision, scratch):
    """dw (+)= the gradient of w, summed over modules and cases."""
    s = _sizes(x, dw, dy, padding, stride, groups)
    a = _windows(x, MODULES, s.taps, s.modules_x, s, stride, padding)
    b = columns(dy, s.filters, s.outputs, s.filters * s.outputs)
    result = Result(dw, s.filters * groups, s.filters)
    taps = _taps(s.channels, s.side)
    return product(a, b, result, s.outputs, groups, accumulate, precision, scratch, taps)


# -- kernels ------------------------------------------------------------------


@kernel
def _turn(w, turned, c, k, f, groups):
    """turned[j, r, s, g * c + i] = w[i, k - 1 - r, k - 1 - s, g * f + j]."""
    for e in range(cuda.grid(1), c * k * k * groups * f, cuda.gridsize(1)):
        channel, tap = e % (c * groups), e // (c * groups)
        group, i = channel // c, channel % c
        j, r, s = tap // (k * k), k - 1 - tap // k % k, k - 1 - tap % k
        turned[e] = w[((i * k + r) * k + s) * groups * f + group * f + j]


@kernel
def _images_grad(dy, w, dx, c, h, wd, n, k, f, my, mx, padding, stride, groups, accumulate):
    """One pixel of one channel and case a thread, for strides above 1."""
    for e in range(cuda.grid(1), groups * c * h * wd * n, cuda.gridsize(1)):
        case, rest = e % n, e // n
        px, rest = rest % wd + padding, rest // wd
        py, channel = rest % h + padding, rest // h
        first, i = channel // c * f, channel % c
        total = np.float32(0)
        for r in range(k):
            for s in range(k):
                qy, qx = (py - r) // stride, (px - s) // stride
                inside = py >= r and px >= s and qy < my and qx < mx
                if inside and qy * stride == py - r and qx * stride == px - s:
                    for j in range(f):
                        total += (
                            dy[(((first + j) * my + qy) * mx + qx) * n + case]
                            * w[((i * k + r) * k + s) * groups * f + first + j]
                        )
        dx[e] = dx[e] + total if accumulate else total
