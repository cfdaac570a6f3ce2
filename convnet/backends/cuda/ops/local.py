"""Local connections.

Each module has products of its own: a group of `gemm.product` is a module, and groups of channels
come one after the other.
"""

from math import prod

import numpy as np

from convnet.backends.base import implements
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.gemm.gemm import Product, Result, columns, rows, scratch_bytes
from convnet.backends.cuda.gemm.im2col import Sizes, taps_of, windows_of_module
from convnet.backends.cuda.gemm.tile import MODULES, WINDOW
from convnet.backends.cuda.jit import kernel
from convnet.backends.cuda.ptx.indices import elements, split
from convnet.backends.cuda.runtime.launch import bytes_of, over, parts_of
from convnet.operations import local

MOST_PRODUCTS = 256 << 20  # bytes of the products that the images' gradient keeps at once


def _sizes(x, w, y, padding, stride, groups):
    return Sizes.of(x, w.shape[2], y, padding, stride, groups)


def _own(array, group, groups):
    """A group's part of the channels or filters of (C, H, W, N), or of their biases."""
    shape = array.shape[0] // groups, *array.shape[1:]
    return array.part(group * prod(shape) * array.dtype.itemsize, shape)


def _filters(w, s, group, tap=0):
    """w from a tap and a group's first filter on; the rest follows at the strides of w."""
    first = tap * s.filters * s.groups + group * s.filters
    return w.part(first * w.dtype.itemsize, (w.size - first,))


# -- forward ------------------------------------------------------------------


def _forward_scratch(x, w, y, padding, stride, groups, accumulate, *, precision):
    s = _sizes(x, w, y, padding, stride, groups)
    return scratch_bytes(s.filters, s.cases, s.taps, s.modules, precision)


@implements(local.forward, scratch=_forward_scratch, precision=True)
def forward(x, w, y, padding, stride, groups, accumulate, *, precision, scratch):
    epilogues, geometry = [None] * groups, (padding, stride, groups)
    return _forward(x, w, y, geometry, accumulate, precision, scratch, epilogues)


def _forward(x, w, y, geometry, accumulate, precision, scratch, epilogues):
    """geometry: (padding, stride, groups)."""
    *_, groups = geometry
    s = _sizes(x, w, y, *geometry)
    taps, all_filters, work = taps_of(s), s.filters * groups, []
    for group, epilogue in enumerate(epilogues):
        a = rows(_filters(w, s, group), s.filters, all_filters, s.taps * all_filters)
        b = windows_of_module(_own(x, group, groups), WINDOW, s.cases, s)
        result = Result(_own(y, group, groups), s.outputs, s.cases)
        product = Product(a, b, result, s.taps, s.modules, accumulate, precision, taps, epilogue)
        work += product.launches(scratch)
    return work


def _fused_scratch(*arguments, precision):
    return _forward_scratch(*arguments[:-4], precision=precision)


@implements(local.forward_fused, scratch=_fused_scratch, precision=True)
def forward_fused(
    x, w, y, padding, stride, groups, accumulate, biases, kind, a, b, *, precision, scratch
):
    biases = biases.reshape(biases.size)
    epilogues = [Epilogue(_own(biases, group, groups), kind, a, b) for group in range(groups)]
    geometry = padding, stride, groups
    return _forward(x, w, y, geometry, accumulate, precision, scratch, epilogues)


# -- gradient of the images ------------------------------------------------------------------


def _at_once(s):
    """Channels whose products fit into MOST_PRODUCTS."""
    return max(1, min(s.channels, MOST_PRODUCTS // (s.outputs * s.side**2 * 4)))


def _images_parts(s, precision):
    """Scratch: products of as many channels, sums of split-K."""
    step = _at_once(s)
    partial = max(
        scratch_bytes(channels * s.side**2, s.cases, s.filters, s.modules, precision)
        for channels in (step, s.channels % step or step)
    )
    return ((s.outputs * step * s.side**2,), np.float32), ((partial,), np.uint8)


def _images_scratch(dy, w, dx, padding, stride, groups, accumulate, *, precision):
    return bytes_of(*_images_parts(_sizes(dx, w, dy, padding, stride, groups), precision))


@implements(local.images_grad, scratch=_images_scratch, precision=True)
def images_grad(dy, w, dx, padding, stride, groups, accumulate, *, precision, scratch):
    """Gather the products that modules send to the pixels of their windows.

    Channels are processed a few at a time, as many as there is room for.
    """
    s, all_filters, work = _sizes(dx, w, dy, padding, stride, groups), w.shape[-1], []
    sent, partial = parts_of(scratch, *_images_parts(s, precision))
    for group in range(groups):
        b, own = rows(_own(dy, group, groups), s.cases, s.outputs, s.cases), _own(dx, group, groups)
        for first in range(0, s.channels, _at_once(s)):
            some = s._replace(channels=min(_at_once(s), s.channels - first))
            filters = _filters(w, s, group, first * s.side**2)
            a = columns(filters, some.taps, all_filters, s.taps * all_filters)
            result = Result(sent, s.cases, some.taps * s.cases)
            work += Product(a, b, result, s.filters, s.modules, False, precision).launches(partial)
            pixels = own.part(first * s.pixels * 4, (some.channels, *own.shape[1:]))
            numbers = *some[:4], *some[5:10], pixels.size, accumulate
            work.append(over(_gather, pixels.size, sent, pixels, *numbers))
    return work


# -- gradient of the weights ------------------------------------------------------------------


def _weights_scratch(x, dy, dw, padding, stride, groups, accumulate, *, precision):
    s = _sizes(x, dw, dy, padding, stride, groups)
    return scratch_bytes(s.taps, s.filters, s.cases, s.modules, precision)


@implements(local.weights_grad, scratch=_weights_scratch, precision=True)
def weights_grad(x, dy, dw, padding, stride, groups, accumulate, *, precision, scratch):
    s, all_filters, work = _sizes(x, dw, dy, padding, stride, groups), dw.shape[-1], []
    taps = taps_of(s)
    for group in range(groups):
        a = windows_of_module(_own(x, group, groups), MODULES, s.taps, s)
        b = columns(_own(dy, group, groups), s.filters, s.outputs, s.cases)
        result = Result(_filters(dw, s, group), all_filters, s.taps * all_filters)
        product = Product(a, b, result, s.cases, s.modules, accumulate, precision, taps)
        work += product.launches(scratch)
    return work


@kernel
def _gather(sent, dx, c, h, wd, k, my, mx, n, padding, stride, count, accumulate):
    """dx (+)= the sum over the modules that read a pixel of sent (module, channel, k, k, case)."""
    for e in elements(count):
        rest, case = split(e, n)
        rest, x = split(rest, wd)
        i, y = split(rest, h)
        px, py = x + padding, y + padding
        total = np.float32(0)
        for r in range(k):
            for s in range(k):
                qy, down = split(max(py - r, 0), stride)
                qx, across = split(max(px - s, 0), stride)
                inside = py >= r and px >= s and qy < my and qx < mx
                if inside and down == 0 and across == 0:
                    module = qy * mx + qx
                    total += sent[(((module * c + i) * k + r) * k + s) * n + case]
        dx[e] = dx[e] + total if accumulate else total
