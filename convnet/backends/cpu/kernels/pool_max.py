"""The forward passes of max-pooling: of many cases, and of so few that they leave vectors empty."""

from numba import prange

from convnet.backends.cpu.gemm.direct_conv import part_range
from convnet.backends.cpu.jit import called, inlined, parallel
from convnet.backends.cpu.kernels.pool_rows import MAX, clip, larger_of_three, largest, take
from convnet.backends.cpu.kernels.rows import fill


@parallel
def max_kernel(x, y, columns, size, stride, start):
    """The largest of a window's rows, for a whole row of pixels, then of those in the window."""
    channels, height, width, cases = x.shape
    outputs, threads = y.shape[1], columns.shape[0]
    for thread in prange(threads):
        begin, end = part_range(channels * outputs, thread, threads)
        for job in range(begin, end):
            c, oi = job // outputs, job % outputs
            top, bottom = clip(oi, size, stride, start, height)
            rows, column = x[c].reshape(height, width * cases), columns[thread]
            largest(rows, top, bottom, column.reshape(-1))
            for oj in range(outputs):
                left, right = clip(oj, size, stride, start, width)
                if top < bottom and left < right:
                    largest(column, left, right, y[c, oi, oj])
                else:
                    fill(y[c, oi, oj], 0)


@called
def _largest_from_each(numbers, step, count, out):
    """out[p] = the largest of the numbers at p, p + step, ..., `count` of them."""
    out, k = out[: max(numbers.size - (count - 1) * step, 0)], 0
    while k < count:
        first, second, third = k * step, (k + 1) * step, (k + 2) * step
        if k + 3 <= count:
            larger_of_three(numbers[first:], numbers[second:], numbers[third:], out, k == 0)
            k += 3
        else:
            take(numbers[first:], out, MAX, k == 0)
            k += 1


@called
def _pick(pixels, step, out):
    """out = every step-th of the pixels."""
    for j in range(out.shape[0]):
        for n in range(out.shape[1]):
            out[j, n] = pixels[j * step, n]


@inlined
def _whole_windows(size, stride, start, length, outputs):
    """First and end of the windows that lie within the pixels."""
    first = min(max(-(start // stride), 0), outputs)
    return first, max(min((length - size - start) // stride + 1, outputs), first)


@called
def _largest_in(pixels, top, bottom, left, right, out):
    """out = the largest of the pixels of a window; 0 if it has none."""
    if top >= bottom or left >= right:
        fill(out, 0)
    for i in range(top, bottom):
        for j in range(left, right):
            take(pixels[i, j], out, MAX, i == top and j == left)


@parallel
def max_of_few_kernel(x, y, planes, size, stride, start):
    """The largest of the windows from each pixel on, for whole planes, whatever the stride is.

    So vectors are full with a single case.  Windows over the border are taken by themselves.
    """
    channels, height, width, cases = x.shape
    outputs, threads = y.shape[1], planes.shape[0]
    whole = _whole_windows(size, stride, start, width, outputs)
    for thread in prange(threads):
        begin, end = part_range(channels, thread, threads)
        across, both = planes[thread, 0], planes[thread, 1]
        found = both.reshape(height, width, cases)
        for c in range(begin, end):
            _largest_from_each(x[c].reshape(-1), cases, size, across)
            _largest_from_each(across, width * cases, size, both)
            for oi in range(outputs):
                top, bottom = clip(oi, size, stride, start, height)
                first, last = whole if bottom - top == size else (0, 0)
                if first < last:
                    pixels = found[top, first * stride + start :]
                    _pick(pixels, stride, y[c, oi, first:last])
                for oj in range(outputs):
                    if oj < first or oj >= last:
                        left, right = clip(oj, size, stride, start, width)
                        _largest_in(x[c], top, bottom, left, right, y[c, oi, oj])
