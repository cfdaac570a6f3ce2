"""Convolution with shared weights.

Filters of 3x3 or 5x5 (or, at stride S, of up to 3S x 3S or 5S x 5S) go through Winograd's
transforms where these pay (`winograd`), all others are correlated directly (`gemm`).
"""

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.backends.base import Form, implements
from convnet.backends.cpu.gemm.direct_conv import (
    columns_per_task,
    correlate,
    row_blocks,
    span_count,
    spans_of,
    thread_parts,
)
from convnet.backends.cpu.gemm.direct_conv_weights import collect_sums, sum_products, weight_parts
from convnet.backends.cpu.gemm.epilogue import epilogue_of, no_epilogue
from convnet.backends.cpu.gemm.pack_filters import pack_forward, pack_rotated
from convnet.backends.cpu.microkernel import ROWS
from convnet.backends.cpu.scratch import carve, carve_for_threads, thread_count, total_bytes
from convnet.backends.cpu.winograd import conv as winograd
from convnet.backends.cpu.winograd import tiling
from convnet.backends.cpu.winograd import weight_gradient as winograd_weights
from convnet.compiling.replay import preparing, repeatable
from convnet.operations import conv


def _tiling(w, stride, groups, outputs):
    return tiling.tiling(w.shape, groups, stride, outputs.shape)


def _images_tiling(w, stride, groups, dx):
    """The images' gradient has phases at its other end, which Winograd's transforms do not know."""
    return _tiling(w, stride, groups, dx) if stride == 1 else None


def _correlate_parts(threads, channels, size, rows, groups, dtype) -> list:
    """Scratch of a correlation: packed filters, which of them are used, then per thread."""
    blocks = row_blocks(rows)
    return [
        ((groups * size * size * channels * blocks * ROWS,), dtype),
        ((groups, span_count(channels, size), blocks), np.uint8),
        *thread_parts(threads, rows, dtype),
    ]


# -- forward -----------------------------------------------------------------------------------


def _forward_parts(threads, x, w, y, stride, groups):
    if way := _tiling(w, stride, groups, y):
        sizes = winograd.sizes(way, w.shape[0], w.shape[3] // groups, groups, y.shape)
        return winograd.parts(threads, sizes, x.dtype)
    rows = w.shape[3] // groups
    return _correlate_parts(threads, w.shape[0], w.shape[1], rows, groups, x.dtype)


def _forward_size(x, w, y, padding, stride, groups, *_others):
    return total_bytes(_forward_parts(thread_count(), x, w, y, stride, groups))


def _packed_parts(x, w, y, stride, groups) -> list:
    """The first parts: what depends on the filters alone."""
    parts = _forward_parts(1, x, w, y, stride, groups)
    return parts[:1] if _tiling(w, stride, groups, y) else parts[:2]


def _form(x, w, y, padding, stride, groups, *_others) -> Form:
    way = _tiling(w, stride, groups, y)
    return Form(total_bytes(_packed_parts(x, w, y, stride, groups)), (way, stride, groups))


@repeatable
@implements(conv.forward, scratch=_forward_size, prepared=_form)
def forward(x, w, y, padding, stride, groups, accumulate, *, scratch, prepared=None):
    geometry = padding, stride, groups
    _forward(x, w, y, geometry, accumulate, no_epilogue(x.dtype), scratch, prepared)


@repeatable
@implements(conv.forward_fused, scratch=_forward_size, prepared=_form)
def forward_fused(
    x, w, y, padding, stride, groups, accumulate, biases, kind, a, b, *, scratch, prepared=None
):  # fmt: skip
    geometry, epilogue = (padding, stride, groups), epilogue_of(biases, kind, a, b)
    _forward(x, w, y, geometry, accumulate, epilogue, scratch, prepared)


def _forward(x, w, y, geometry, accumulate, epilogue, scratch, prepared):
    """geometry: (padding, stride, groups)."""
    padding, stride, groups = geometry
    arrays = carve_for_threads(scratch, _forward_parts, x, w, y, stride, groups)
    if prepared is not None:
        packed_parts = _packed_parts(x, w, y, stride, groups)
        arrays[: len(packed_parts)] = carve(prepared, packed_parts)
    if way := _tiling(w, stride, groups, y):
        how = winograd.Correlation(way, padding, groups, accumulate, epilogue)
        winograd.run(how, x, w, y, arrays)
        return
    packed, used, *own = arrays
    channels, size, rows = w.shape[0], w.shape[1], w.shape[3] // groups
    spans = spans_of(channels, size)
    with preparing():
        pack_forward(w, packed, used, groups, spans)
    step = columns_per_task(y[0].size, rows, x.dtype, len(own[0]))
    output = (y.shape, y.shape[1:3], rows, 1, 0)
    window = (groups, size, stride, padding)
    correlate(
        x, packed, used, y.reshape(-1), *own, window, spans, output, step, accumulate, epilogue
    )  # fmt: skip


# -- gradient of the images --------------------------------------------------------------------


def _images_parts(threads, w, dx, stride, groups):
    filters = w.shape[3] // groups
    if way := _images_tiling(w, stride, groups, dx):
        sizes = winograd.sizes(way, filters, w.shape[0], groups, dx.shape)
        return winograd.parts(threads, sizes, dx.dtype)
    rows, side = w.shape[0] * stride * stride, ceil_div(w.shape[1], stride)
    return _correlate_parts(threads, filters, side, rows, groups, dx.dtype)


def _images_size(dy, w, dx, padding, stride, groups, accumulate):
    return total_bytes(_images_parts(thread_count(), w, dx, stride, groups))


@repeatable
@implements(conv.images_grad, scratch=_images_size)
def images_grad(dy, w, dx, padding, stride, groups, accumulate, *, scratch):
    """Correlate dy, at stride 1, with the rotated filters of each phase.

    A pixel y and a module my share filter row py + j * stride where y + padding = (my + j) * stride
    + py.  So over q = my + j this is a correlation of dy with the filters of each phase (py, px)
    rotated by 180 degrees, and the phases are its rows (`pack_rotated`).
    """
    arrays = carve_for_threads(scratch, _images_parts, w, dx, stride, groups)
    epilogue = no_epilogue(dy.dtype)
    if way := _images_tiling(w, stride, groups, dx):
        outer = w.shape[1] - 1 - padding
        how = winograd.Correlation(way, outer, groups, accumulate, epilogue, rotated=True)
        winograd.run(how, dy, w, dx, arrays)
        return
    packed, used, *own = arrays
    filters, side, rows = w.shape[3] // groups, ceil_div(w.shape[1], stride), w.shape[0] * stride**2
    spans = spans_of(filters, side)
    pack_rotated(w, packed, used, groups, spans, stride)
    first = padding // stride
    positions = tuple((padding + n - 1) // stride - first + 1 for n in dx.shape[1:3])
    step = columns_per_task(positions[0] * positions[1] * dy.shape[3], rows, dy.dtype, len(own[0]))
    output = (dx.shape, positions, rows, stride, first * stride - padding)
    window = (groups, side, 1, side - 1 - first)
    correlate(
        dy, packed, used, dx.reshape(-1), *own, window, spans, output, step, accumulate, epilogue
    )  # fmt: skip


# -- gradient of the weights -------------------------------------------------------------------


def _weights_parts(threads, dy, dw, stride, groups):
    if way := _tiling(dw, stride, groups, dy):
        sizes = winograd_weights.sizes_of(way, dw.shape, dy.shape, groups)
        return winograd_weights.parts(threads, way, sizes, dy.dtype)
    columns = dy.shape[1] * dy.shape[2] * dy.shape[3]
    return weight_parts(threads, dw.shape, columns, groups, dy.dtype)


def _weights_size(x, dy, dw, padding, stride, groups, accumulate):
    return total_bytes(_weights_parts(thread_count(), dy, dw, stride, groups))


@repeatable
@implements(conv.weights_grad, scratch=_weights_size)
def weights_grad(x, dy, dw, padding, stride, groups, accumulate, *, scratch):
    arrays = carve_for_threads(scratch, _weights_parts, dy, dw, stride, groups)
    if way := _tiling(dw, stride, groups, dy):
        winograd_weights.run(way, x, dy, dw, padding, groups, accumulate, arrays)
        return
    sums, *own = arrays
    window = (groups, dw.shape[1], stride, padding, dw.shape[3] // groups)
    sum_products(x, dy.reshape(-1), sums, *own, window, dy.shape[2])
    collect_sums(sums, dw, accumulate)
