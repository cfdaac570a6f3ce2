"""Pooling over square windows that are clipped to the image (dialect, 3.4).

The backward pass gathers: every input pixel looks up the windows it lies in.  Bytes, where each
number is read from memory once and again from caches: forward 4 a pixel and 4 an output; backward
4 a pixel and 4 an output, max and maxabs another 4 of each, 4 a pixel more where it adds.
"""

from convnet.backends.base import operation
from convnet.backends.cuda.jit import device_function
from convnet.backends.cuda.kernels.pool import KINDS, ROWS, THREADS, backward_kernel, forward_kernel
from convnet.backends.cuda.ptx.vectorized import width_of
from convnet.backends.cuda.runtime.launch import launch

_UNROLLED = 3  # largest window whose loops are unrolled
_MOST = 65535  # blocks in the second and third direction of a grid


@operation(writes="y")
def forward(x, y, kind, size, stride, start):
    """x (C, H, W, N) -> y (C, M, M, N); window o covers [start + o*stride, + size), clipped.

    kind: max; avg (divided by the pixels inside the image); sum; maxabs (the signed value of
    largest magnitude, the later one in row order among equals).  An empty window gives 0.
    """
    width = width_of(x.shape[3], x, y)
    kernel = forward_kernel(KINDS[kind], *_unrolled(size, stride), width)
    return [launch(kernel, _grid(y.shape, width), x, y, *x.shape, y.shape[1], size, stride, start)]


@operation(writes="dx")
def backward(x, y, dy, dx, kind, size, stride, start, accumulate):
    """dx (+)= the gradient; every pixel equal to its window's maximum receives all of dy."""
    width = width_of(x.shape[3], x, y, dy, dx)
    kernel = backward_kernel(KINDS[kind], *_unrolled(size, stride), width)
    sizes = *x.shape, y.shape[1], size, stride, start, accumulate
    return [launch(kernel, _grid(x.shape, width), x, y, dy, dx, *sizes)]


def _unrolled(size, stride):
    """What a kernel is made for: these sizes, or 0, 0 for any."""
    return (size, stride) if size <= _UNROLLED else (0, 0)


def _grid(shape, width):
    """Blocks over the columns and cases of a row, over rows, over channels."""
    across = -(-shape[2] * shape[3] // (width * THREADS))
    return across, min(-(-shape[1] // ROWS), _MOST), min(shape[0], _MOST)


@device_function
def first_of(o, stride, start):
    return max(start + o * stride, 0)


@device_function
def end_of(o, size, stride, start, length):
    return min(start + o * stride + size, length)


@device_function
def first_over(i, size, stride, start):
    """The first window that contains pixel i; windows before 0 do not exist."""
    return max((i - start - size) // stride + 1, 0)


@device_function
def end_over(i, stride, start, outputs):
    return min((i - start) // stride + 1, outputs)
