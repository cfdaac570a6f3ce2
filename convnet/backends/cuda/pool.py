"""Pooling over square windows that are clipped to the image (dialect, 3.4).

Threads lie along the cases; a block row takes pixels.  The backward pass gathers: every input pixel
looks up the windows it lies in.
"""

import numpy as np
from numba import cuda

from convnet.backends.base import operation

from .compiling import THREADS, inlined, kernel
from .launch import launch

_MAX, _AVG, _SUM, _MAXABS = range(4)
_KINDS = {"max": _MAX, "avg": _AVG, "sum": _SUM, "maxabs": _MAXABS}
_MOST = 65535  # blocks in the second direction of a grid


@operation(writes="y")
def forward(x, y, kind, size, stride, start):
    """x (C, H, W, N) -> y (C, M, M, N); window o covers [start + o*stride, + size), clipped.

    kind: max; avg (divided by the pixels inside the image); sum; maxabs (the signed value of
    largest magnitude, the later one in row order among equals).  An empty window gives 0.
    """
    sizes = *x.shape, y.shape[1], size, stride, start
    return [launch(_FORWARD[_KINDS[kind]], _grid(x.shape[0], y.shape), x, y, *sizes)]


@operation(writes="dx")
def backward(x, y, dy, dx, kind, size, stride, start, accumulate):
    """dx (+)= the gradient; every pixel equal to its window's maximum receives all of dy."""
    sizes = *x.shape, y.shape[1], size, stride, start, accumulate
    return [launch(_BACKWARD[_KINDS[kind]], _grid(x.shape[0], x.shape), x, y, dy, dx, *sizes)]


def _grid(channels, shape):
    """Blocks over the columns and cases of a row, and over the rows of all channels."""
    return -(-shape[2] * shape[3] // THREADS), min(channels * shape[1], _MOST)


@inlined
def first_of(o, stride, start):
    return max(start + o * stride, 0)


@inlined
def end_of(o, size, stride, start, length):
    return min(start + o * stride + size, length)


@inlined
def first_over(i, size, stride, start):
    """The first window that contains pixel i; windows before 0 do not exist."""
    return max((i - start - size) // stride + 1, 0)


@inlined
def end_over(i, stride, start, outputs):
    return min((i - start) // stride + 1, outputs)


@inlined
def _taken(kind, found, v):
    """A window's value with one more pixel; a NaN stays."""
    if kind == _MAX:
        return v if v > found or v != v else found
    if kind == _MAXABS:
        return v if abs(v) >= abs(found) or v != v else found
    return found + v


def _forward_kernel(kind):
    def pool_forward(x, y, channels, height, width, cases, outputs, size, stride, start):
        j = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
        if j >= outputs * cases:
            return
        ox, n = j // cases, j % cases
        left, right = first_of(ox, stride, start), end_of(ox, size, stride, start, width)
        for job in range(cuda.blockIdx.y, channels * outputs, cuda.gridDim.y):
            c, oy = job // outputs, job % outputs
            top, bottom = first_of(oy, stride, start), end_of(oy, size, stride, start, height)
            found = np.float32(0)
            if top < bottom and left < right:
                found = x[((c * height + top) * width + left) * cases + n]
                if kind >= _AVG and kind <= _SUM:
                    found = np.float32(0)
            for iy in range(top, bottom):
                for ix in range(left, right):
                    found = _taken(kind, found, x[((c * height + iy) * width + ix) * cases + n])
            if kind == _AVG and top < bottom and left < right:
                found = found / np.float32((bottom - top) * (right - left))
            y[(job * outputs + ox) * cases + n] = found

    pool_forward.__qualname__ = f"pool_forward_{_name(kind)}"
    return kernel(pool_forward)


def _backward_kernel(kind):
    def pool_backward(
        x, y, dy, dx, channels, height, width, cases, outputs, size, stride, start, accumulate
    ):
        j = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
        if j >= width * cases:
            return
        ix, n = j // cases, j % cases
        left, right = first_over(ix, size, stride, start), end_over(ix, stride, start, outputs)
        for job in range(cuda.blockIdx.y, channels * height, cuda.gridDim.y):
            c, iy = job // height, job % height
            at = (job * width + ix) * cases + n
            v = x[at] if kind == _MAX or kind == _MAXABS else np.float32(0)
            total = dx[at] if accumulate else np.float32(0)
            for oy in range(first_over(iy, size, stride, start),
                            end_over(iy, stride, start, outputs)):  # fmt: skip
                for ox in range(left, right):
                    e = ((c * outputs + oy) * outputs + ox) * cases + n
                    if kind == _MAX or kind == _MAXABS:
                        total += dy[e] if y[e] == v else np.float32(0)
                    elif kind == _SUM:
                        total += dy[e]
                    else:
                        rows = end_of(oy, size, stride, start, height) - first_of(oy, stride, start)
                        columns = end_of(ox, size, stride, start, width) - first_of(
                            ox, stride, start
                        )
                        total += dy[e] / np.float32(rows * columns)
            dx[at] = total

    pool_backward.__qualname__ = f"pool_backward_{_name(kind)}"
    return kernel(pool_backward)


def _name(kind):
    return next(name for name, number in _KINDS.items() if number == kind)


_FORWARD = [_forward_kernel(kind) for kind in range(4)]
_BACKWARD = [_backward_kernel(kind) for kind in range(4)]
