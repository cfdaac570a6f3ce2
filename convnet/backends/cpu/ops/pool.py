"""Pooling over windows of pixels.

A kernel gives each thread whole image rows of its output, so the backward pass gathers: every input
pixel looks up the windows that contain it.
"""

from math import prod

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.gemm.direct_conv import part_range
from convnet.backends.cpu.jit import called, exact, helper, inlined, parallel
from convnet.backends.cpu.kernels.pool_gradient import ADD, PUT, STREAM, sum_windows
from convnet.backends.cpu.kernels.pool_max import max_kernel, max_of_few_kernel
from convnet.backends.cpu.kernels.pool_rows import AVG, MAX, MAXABS, SUM, clip, take
from convnet.backends.cpu.kernels.rows import fill
from convnet.backends.cpu.microkernel import VECTOR_BYTES, address
from convnet.backends.cpu.scratch import carve_for_threads, thread_count, total_bytes
from convnet.compiling.nontemporal import STREAM_BYTES, fence
from convnet.compiling.replay import repeatable
from convnet.operations import pool

_KINDS = {"max": MAX, "avg": AVG, "sum": SUM, "maxabs": MAXABS}


def _is_few(x):
    """Whether the cases of a pixel fill too little of a vector to be worked on by themselves."""
    return x.shape[3] * np.dtype(x.dtype).itemsize < VECTOR_BYTES


def _max_parts(threads, x):
    """Scratch of max-pooling: for each thread a row of pixels; with few cases two planes."""
    shape = (2, prod(x.shape[1:])) if _is_few(x) else x.shape[2:]
    return [((threads, *shape), x.dtype)]


def _forward_size(x, y, kind, *_window):
    return total_bytes(_max_parts(thread_count(), x)) if kind == "max" else 0


@repeatable
@implements(pool.forward, scratch=_forward_size)
def forward(x, y, kind, size, stride, start, *, scratch):
    if kind == "max":
        (own,) = carve_for_threads(scratch, _max_parts, x)
        kernel = max_of_few_kernel if _is_few(x) else max_kernel
        kernel(x, y, own, size, stride, start)
    else:
        _forward_kernel(x, y, _KINDS[kind], size, stride, start)


@repeatable
@implements(pool.backward)
def backward(x, y, dy, dx, kind, size, stride, start, accumulate):
    if kind in ("max", "maxabs"):
        window = size, stride, start
        _max_backward_kernel(x, y, dy, dx, window, accumulate, thread_count())
    else:
        _backward_kernel(dy, dx, kind == "avg", size, stride, start, accumulate)


@inlined
def _windows_over(i, size, stride, start, outputs):
    """First and end of the windows that contain pixel i."""
    return max((i - start - size) // stride + 1, 0), min((i - start) // stride + 1, outputs)


@called
def _scale(out, factor):
    for n in range(out.size):
        out[n] *= factor


@called
def _give(dy, factor, dx, adds):
    """Give a row of pixels its part of one window's gradient; adds: to what is there."""
    if adds:
        for n in range(dx.size):
            dx[n] += factor * dy[n]
    else:
        for n in range(dx.size):
            dx[n] = factor * dy[n]


@parallel
def _forward_kernel(x, y, kind, size, stride, start):
    channels, height, width, _cases = x.shape
    outputs = y.shape[1]
    for job in prange(channels * outputs):
        c, oi = np.int64(job) // outputs, np.int64(job) % outputs
        top, bottom = clip(oi, size, stride, start, height)
        for oj in range(outputs):
            left, right = clip(oj, size, stride, start, width)
            out = y[c, oi, oj]
            pixels = max(bottom - top, 0) * max(right - left, 0)
            for i in range(top, bottom):
                for j in range(left, right):
                    take(x[c, i, j], out, kind, i == top and j == left)
            if pixels == 0:
                fill(out, 0)
            elif kind == AVG:
                _scale(out, x.dtype.type(1) / x.dtype.type(pixels))


@parallel
def _backward_kernel(dy, dx, divides, size, stride, start, accumulate):
    """Of sums, or if it `divides` of averages."""
    channels, height, width, _cases = dx.shape
    outputs = dy.shape[1]
    for job in prange(channels * height):
        c, i = np.int64(job) // height, np.int64(job) % height
        top, bottom = _windows_over(i, size, stride, start, outputs)
        for j in range(width):
            left, right = _windows_over(j, size, stride, start, outputs)
            out, adds = dx[c, i, j], accumulate
            if not accumulate and (top >= bottom or left >= right):
                fill(out, 0)
            for oi in range(top, bottom):
                for oj in range(left, right):
                    factor = dx.dtype.type(1)
                    if divides:
                        first_row, end_row = clip(oi, size, stride, start, height)
                        first, end = clip(oj, size, stride, start, width)
                        factor /= dx.dtype.type((end_row - first_row) * (end - first))
                    _give(dy[c, oi, oj], factor, out, adds)
                    adds = True


@helper
def _give_windows(like, x, dx, cases, y, dy, down, windows, adds):
    """A pixel's row of gradients from many windows, (top, bottom, left, right), four at a time.

    x, dx: addresses of the row; y, dy: of the channel, whose rows lie `down` bytes apart.
    """
    top, bottom, left, right = windows
    across = cases * like.itemsize
    for oi in range(top, bottom, 2):
        for oj in range(left, right, 2):
            place = oi * down + oj * across
            rows, columns = min(2, bottom - oi), min(2, right - oj)
            put = ADD if adds else PUT
            sum_windows(like, x, dx, cases, y + place, dy + place, down, across, rows, columns, put)
            adds = True


@exact
def _max_backward_kernel(x, y, dy, dx, window, accumulate, threads):
    """dx is streamed if it is larger than the caches, at pixels in no more than four windows."""
    size, stride, start = window
    channels, height, width, cases = x.shape
    outputs, across = y.shape[1], cases * x.itemsize
    down = outputs * across
    whole = across % VECTOR_BYTES == 0 and address(dx) % VECTOR_BYTES == 0
    streams = whole and dx.size * dx.itemsize >= STREAM_BYTES
    put = ADD if accumulate else STREAM if streams else PUT
    for thread in prange(threads):
        begin, end = part_range(channels * height, thread, threads)
        for job in range(begin, end):
            c, i = job // height, job % height
            top, bottom = _windows_over(i, size, stride, start, outputs)
            above, below = address(y) + c * outputs * down, address(dy) + c * outputs * down
            left, right = _windows_over(0, size, stride, start, outputs)
            for j in range(width):
                if j - start - size >= left * stride:
                    left += 1
                if right < outputs and j - start >= right * stride:
                    right += 1
                rows, columns = bottom - top, right - left
                place, first = (job * width + j) * across, top * down + left * across
                pixel, out = address(x) + place, address(dx) + place
                if rows < 1 or columns < 1:
                    if not accumulate:
                        fill(dx[c, i, j], 0)
                elif rows <= 2 and columns <= 2:
                    sum_windows(
                        x, pixel, out, cases, above + first, below + first, down, across, rows,
                        columns, put,
                    )  # fmt: skip
                else:
                    windows = top, bottom, left, right
                    _give_windows(x, pixel, out, cases, above, below, down, windows, accumulate)
        fence()
