"""Local connections.

Every module is a small matrix product of its own over the cases.  Threads share the work by modules
or, for the gradient of the images, by pixels.
"""

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cpu.gemm.direct_conv import row_blocks
from convnet.backends.cpu.gemm.direct_conv_weights import CHUNK, TAPS
from convnet.backends.cpu.gemm.epilogue import epilogue_of, no_epilogue
from convnet.backends.cpu.gemm.im2col import RUN_FIELDS
from convnet.backends.cpu.gemm.local_kernels import (
    SPAN,
    forward_kernel,
    images_kernel,
    weights_kernel,
)
from convnet.backends.cpu.microkernel import ROWS, block_columns
from convnet.backends.cpu.scratch import carve_for_threads, thread_count, total_bytes
from convnet.compiling.replay import repeatable
from convnet.operations import local


def _product_parts(threads, rows, dtype):
    """Table, right-hand side, last block of the left-hand side and result, for each thread."""
    width = block_columns(dtype)
    return [
        ((threads, width, RUN_FIELDS), np.int64),
        ((threads, SPAN, width), dtype),
        ((threads, SPAN, ROWS), dtype),
        ((threads, row_blocks(rows) * ROWS, width), dtype),
    ]


def _forward_shape(x, w, y, padding, stride, groups, accumulate):
    return y.shape[0] // groups, x.dtype


def _forward_size(*args):
    return total_bytes(_product_parts(thread_count(), *_forward_shape(*args)))


@repeatable
@implements(local.forward, scratch=_forward_size)
def forward(x, w, y, padding, stride, groups, accumulate, *, scratch):
    geometry = padding, stride, groups
    _forward(x, w, y, geometry, accumulate, no_epilogue(x.dtype), scratch)


@repeatable
@implements(local.forward_fused, scratch=lambda *args: _forward_size(*args[:7]))
def forward_fused(
    x, w, y, padding, stride, groups, accumulate, biases, kind, a, b, *, scratch
):  # fmt: skip
    geometry = padding, stride, groups
    _forward(x, w, y, geometry, accumulate, epilogue_of(biases, kind, a, b), scratch)


def _forward(x, w, y, geometry, accumulate, epilogue, scratch):
    """geometry: (padding, stride, groups)."""
    padding, stride, groups = geometry
    shape = _forward_shape(x, w, y, padding, stride, groups, accumulate)
    own = carve_for_threads(scratch, _product_parts, *shape)
    w3 = w.reshape(w.shape[0], -1, w.shape[4])
    window = (groups, w.shape[2], stride, padding)
    forward_kernel(x, w3, y, *own, window, accumulate, epilogue)


def _images_shape(dy, w, dx, padding, stride, groups, accumulate):
    return w.shape[1], dy.dtype


def _images_size(*args):
    return total_bytes(_product_parts(thread_count(), *_images_shape(*args)))


@repeatable
@implements(local.images_grad, scratch=_images_size)
def images_grad(dy, w, dx, padding, stride, groups, accumulate, *, scratch):
    shape = _images_shape(dy, w, dx, padding, stride, groups, accumulate)
    _, *own = carve_for_threads(scratch, _product_parts, *shape)
    window = (groups, w.shape[2], stride, padding)
    images_kernel(dy, w, dx, *own, window, accumulate, no_epilogue(dy.dtype))


def _weights_parts(threads, dw_shape, groups, dtype):
    """Table, gathered pixels, transposed dy and sums, for each thread."""
    taps, filters, width = dw_shape[1] * dw_shape[2] ** 2, dw_shape[4], block_columns(dtype)
    filter_blocks = ceil_div(filters // groups, width)
    return [
        ((threads, CHUNK, RUN_FIELDS), np.int64),
        ((threads, TAPS, CHUNK), dtype),
        ((threads, filter_blocks, CHUNK, width), dtype),
        ((threads, filter_blocks, row_blocks(taps) * ROWS, width), dtype),
    ]


def _weights_shape(x, dy, dw, padding, stride, groups, accumulate):
    return dw.shape, groups, x.dtype


def _weights_size(*args):
    return total_bytes(_weights_parts(thread_count(), *_weights_shape(*args)))


@repeatable
@implements(local.weights_grad, scratch=_weights_size)
def weights_grad(x, dy, dw, padding, stride, groups, accumulate, *, scratch):
    shape = _weights_shape(x, dy, dw, padding, stride, groups, accumulate)
    own = carve_for_threads(scratch, _weights_parts, *shape)
    dw3 = dw.reshape(dw.shape[0], -1, dw.shape[4])
    window = (groups, dw.shape[2], stride, padding)
    weights_kernel(x, dy.reshape(-1), dw3, *own, window, dy.shape[2], accumulate)
