"""Pooling over windows of pixels.

The backward pass gathers: every input pixel looks up the windows that contain it.  Bytes, where
each number is read from memory once and from caches after that: forward 4 a pixel and 4 an output;
backward 4 a pixel and 4 an output, max and maxabs another 4 of each, 4 a pixel more where it
adds.
"""

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import device_function
from convnet.backends.cuda.kernels.pool import KINDS, ROWS, THREADS, backward_kernel, forward_kernel
from convnet.backends.cuda.ptx.indices import split
from convnet.backends.cuda.ptx.vectorized import width_of
from convnet.backends.cuda.runtime.launch import launch
from convnet.operations import pool

_UNROLLED = 3  # largest window whose loops are unrolled
_MOST = 65535  # blocks in the second and third direction of a grid


@implements(pool.forward)
def forward(x, y, kind, size, stride, start):
    width = width_of(x.shape[3], x, y)
    kernel = forward_kernel(KINDS[kind], *_unrolled(size, stride), width)
    return [launch(kernel, _grid(y.shape, width), x, y, *x.shape, y.shape[1], size, stride, start)]


@implements(pool.backward)
def backward(x, y, dy, dx, kind, size, stride, start, accumulate):
    width = width_of(x.shape[3], x, y, dy, dx)
    kernel = backward_kernel(KINDS[kind], *_unrolled(size, stride), width)
    sizes = *x.shape, y.shape[1], size, stride, start, accumulate
    return [launch(kernel, _grid(x.shape, width), x, y, dy, dx, *sizes)]


def _unrolled(size, stride):
    """What a kernel is made for: these sizes, or 0, 0 for any."""
    return (size, stride) if size <= _UNROLLED else (0, 0)


def _grid(shape, width):
    """Blocks over the columns and cases of a row, over rows, over channels."""
    across = ceil_div(shape[2] * shape[3], width * THREADS)
    return across, min(ceil_div(shape[1], ROWS), _MOST), min(shape[0], _MOST)


@device_function
def first_of(o, stride, start):
    return max(start + o * stride, 0)


@device_function
def end_of(o, size, stride, start, length):
    return min(start + o * stride + size, length)


@device_function
def first_over(i, size, stride, start):
    """The first window that contains pixel i; windows before 0 do not exist."""
    return split(max(i - start - size + stride, 0), stride)[0]


@device_function
def end_over(i, stride, start, outputs):
    return min(split(max(i - start + stride, 0), stride)[0], outputs)
