"""Convolution with shared weights, as products of matrices that are never stored.

The windows are gathered while tiles are copied to shared memory (`gemm.tiles`).
"""

import numpy as np
from numba import cuda, float32

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.gemm.gemm import Product, Result, columns, rows, scratch_bytes
from convnet.backends.cuda.gemm.im2col import Sizes, taps_of, windows
from convnet.backends.cuda.gemm.tile import MODULES, WINDOW
from convnet.backends.cuda.jit import THREADS, int32, kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import bytes_of, launch, over, parts_of
from convnet.operations import conv

_SIDE = 32  # of the squares of numbers that blocks transpose
_SQUARE = _SIDE * (_SIDE + 1)  # values, with one behind each row

# -- forward ------------------------------------------------------------------


def _forward_scratch(x, w, y, padding, stride, groups, accumulate, *, precision):
    s = Sizes.of(x, w.shape[1], y, padding, stride, groups)
    return scratch_bytes(s.filters, s.outputs, s.taps, groups, precision)


@implements(conv.forward, scratch=_forward_scratch, precision=True)
def forward(x, w, y, padding, stride, groups, accumulate, *, precision, scratch):
    return _forward(x, w, y, (padding, stride, groups), accumulate, precision, scratch, None)


def _forward(x, w, y, geometry, accumulate, precision, scratch, epilogue):
    """geometry: (padding, stride, groups)."""
    *_, groups = geometry
    s = Sizes.of(x, w.shape[1], y, *geometry)
    a, b = rows(w, s.filters, s.filters * groups, s.filters), windows(x, WINDOW, s.outputs, s)
    result, taps = Result(y, s.outputs, s.filters * s.outputs), taps_of(s)
    product = Product(a, b, result, s.taps, groups, accumulate, precision, taps, epilogue)
    return product.launches(scratch)


def _fused_scratch(*arguments, precision):
    return _forward_scratch(*arguments[:-4], precision=precision)


@implements(conv.forward_fused, scratch=_fused_scratch, precision=True)
def forward_fused(
    x, w, y, padding, stride, groups, accumulate, biases, kind, a, b, *, precision, scratch
):
    epilogue = Epilogue(biases, kind, a, b)
    return _forward(x, w, y, (padding, stride, groups), accumulate, precision, scratch, epilogue)


# -- gradient of the images ------------------------------------------------------------------


def _phases(s: Sizes) -> Sizes:
    """Of the correlation of stride 1 that gives the images' gradient: dy is its image.

    Pixel and module are joined by y + padding = (my + j) * stride + py, filter row py + j * stride.
    So over q = my + j it correlates dy with the filters of each phase (py, px) rotated by 180
    degrees; phases and channels are its filters, the q its modules.
    """
    first, side = s.padding // s.stride, ceil_div(s.side, s.stride)
    across = [(s.padding + n - 1) // s.stride - first + 1 for n in (s.height, s.width)]
    return Sizes(
        s.filters, s.modules_y, s.modules_x, side, s.channels * s.stride**2, *across,
        s.cases, side - 1 - first, 1, s.groups,
    )  # fmt: skip


def _images_parts(s, p, precision):
    """Scratch: rotated filters, pixels by phase (none if there is one phase), sums of split-K."""
    pixels = (p.groups * p.filters * p.outputs if s.stride > 1 else 0,)
    partial = scratch_bytes(p.filters, p.outputs, p.taps, p.groups, precision)
    rotated = (p.taps * p.filters * p.groups,)
    return (rotated, np.float32), (pixels, np.float32), ((partial,), np.uint8)


def _images_scratch(dy, w, dx, padding, stride, groups, accumulate, *, precision):
    s = Sizes.of(dx, w.shape[1], dy, padding, stride, groups)
    return bytes_of(*_images_parts(s, _phases(s), precision))


@implements(conv.images_grad, scratch=_images_scratch, precision=True)
def images_grad(dy, w, dx, padding, stride, groups, accumulate, *, precision, scratch):
    s = Sizes.of(dx, w.shape[1], dy, padding, stride, groups)
    p = _phases(s)
    rotated, pixels, partial = parts_of(scratch, *_images_parts(s, p, precision))
    squares = ceil_div(s.channels, _SIDE) * ceil_div(s.filters, _SIDE)
    numbers = s.channels, s.side, s.filters, groups, stride, p.side
    blocks = squares * p.side**2 * groups * stride**2
    rotate = launch(_rotate, blocks, w, rotated, *numbers)
    a, b = (
        rows(rotated, p.filters, p.filters * groups, p.filters),
        windows(dy, WINDOW, p.outputs, p),
    )
    result = Result(pixels if stride > 1 else dx, p.outputs, p.filters * p.outputs)
    adds = accumulate and stride == 1
    product = Product(a, b, result, p.taps, groups, adds, precision, taps_of(p))
    work = [rotate, *product.launches(partial)]
    if stride > 1:
        numbers = s.channels, s.height, s.width, s.cases, padding, stride
        numbers += p.modules_y, p.modules_x, dx.size, accumulate
        work.append(over(_from_phases, dx.size, pixels, dx, *numbers))
    return work


# -- gradient of the weights ------------------------------------------------------------------


def _weights_scratch(x, dy, dw, padding, stride, groups, accumulate, *, precision):
    s = Sizes.of(x, dw.shape[1], dy, padding, stride, groups)
    return scratch_bytes(s.taps, s.filters, s.outputs, groups, precision)


@implements(conv.weights_grad, scratch=_weights_scratch, precision=True)
def weights_grad(x, dy, dw, padding, stride, groups, accumulate, *, precision, scratch):
    s = Sizes.of(x, dw.shape[1], dy, padding, stride, groups)
    a, b = windows(x, MODULES, s.taps, s), columns(dy, s.filters, s.outputs, s.filters * s.outputs)
    result = Result(dw, s.filters * groups, s.filters)
    product = Product(a, b, result, s.outputs, groups, accumulate, precision, taps_of(s))
    return product.launches(scratch)


# -- kernels ------------------------------------------------------------------


@kernel
def _rotate(w, rotated, c, k, f, groups, stride, side):
    """rotated[j, r, s, g, phase (py, px), i] = w[i, py + r' stride, px + s' stride, g * f + j].

    r' = side - 1 - r, s' likewise; zero where the filter has no such row or column.  A block
    transposes _SIDE x _SIDE numbers (i, j), so that it reads and writes whole sectors.
    """
    square = cuda.shared.array(_SQUARE, float32)  # rows of which meet different banks
    row, column = int32(cuda.threadIdx.x >> 5), int32(cuda.threadIdx.x & 31)
    rest, i = split(cuda.blockIdx.x, (c + _SIDE - 1) // _SIDE)
    rest, j = split(rest, (f + _SIDE - 1) // _SIDE)
    i, j, place = int32(i * _SIDE), int32(j * _SIDE), rest
    rest, px = split(rest, stride)
    rest, py = split(rest, stride)
    rest, group = split(rest, groups)
    r, s = split(rest, side)
    y, x = py + (side - 1 - r) * stride, px + (side - 1 - s) * stride
    for n in range(row, _SIDE, THREADS // _SIDE):
        inside = y < k and x < k and i + n < c and j + column < f
        at = ((i + n) * k + y) * k + x
        value = w[(at * groups + group) * f + j + column] if inside else np.float32(0)
        square[n * (_SIDE + 1) + column] = value
    cuda.syncthreads()
    places = side * side * groups * stride * stride  # of a filter, and its groups and phases
    for n in range(row, _SIDE, THREADS // _SIDE):
        if j + n < f and i + column < c:
            rotated[((j + n) * places + place) * c + i + column] = square[column * (_SIDE + 1) + n]


@kernel
def _from_phases(pixels, dx, c, h, wd, n, padding, stride, qy, qx, count, accumulate):
    """dx (+)= pixels (group, phase, channel, qy, qx, case), put in the order of images."""
    first, _ = split(padding, stride)
    for e in elements(count):
        rest, case = split(e, n)
        rest, x = split(rest, wd)
        channel, y = split(rest, h)
        my, py = split(y + padding, stride)
        mx, px = split(x + padding, stride)
        group, i = split(channel, c)
        plane = ((group * stride + py) * stride + px) * c + i
        value = pixels[((plane * qy + my - first) * qx + mx - first) * n + case]
        dx[e] = dx[e] + value if accumulate else value
