"""Helpers shared by the response normalizations: windows, sums of rows, and d ** -power.

The rows of a window are `a[first + j*step, column : column + len(out)]`, for j = 0 .. count-1, of a
two-dimensional array `a`.  So windows over channels, rows and columns differ only in the step.
"""

import numpy as np

from convnet.backends.cpu.jit import called, inlined


@inlined
def window(i, lean, size, length):
    """Return the window of `size` that starts `lean` below i, clipped to [0, length)."""
    start = i - lean
    return max(start, 0), min(start + size, length)


@called
def sum_rows(out, a, first, count, step, column):
    """out = the sum of `count` >= 1 rows, four in each pass, so that `out` is seldom reloaded.

    The usual five rows are added in one pass.
    """
    end = column + out.size
    row = a[first, column:end]
    if count == 5:
        p, q = a[first + step, column:end], a[first + 2 * step, column:end]
        s, t = a[first + 3 * step, column:end], a[first + 4 * step, column:end]
        for n in range(out.size):
            out[n] = row[n] + ((p[n] + q[n]) + (s[n] + t[n]))
        return
    for n in range(out.size):
        out[n] = row[n]
    j = 1
    while j + 4 <= count:
        r = first + j * step
        p, q = a[r, column:end], a[r + step, column:end]
        s, t = a[r + 2 * step, column:end], a[r + 3 * step, column:end]
        for n in range(out.size):
            out[n] += (p[n] + q[n]) + (s[n] + t[n])
        j += 4
    while j < count:
        row = a[first + j * step, column:end]
        for n in range(out.size):
            out[n] += row[n]
        j += 1


@called
def sum_squares(out, a, first, count, step, column):
    """out = the sum of the squares of `count` >= 1 rows."""
    end = column + out.size
    row = a[first, column:end]
    for n in range(out.size):
        out[n] = row[n] * row[n]
    j = 1
    while j + 4 <= count:
        r = first + j * step
        p, q = a[r, column:end], a[r + step, column:end]
        s, t = a[r + 2 * step, column:end], a[r + 3 * step, column:end]
        for n in range(out.size):
            out[n] += (p[n] * p[n] + q[n] * q[n]) + (s[n] * s[n] + t[n] * t[n])
        j += 4
    while j < count:
        row = a[first + j * step, column:end]
        for n in range(out.size):
            out[n] += row[n] * row[n]
        j += 1


@inlined
def scale_and_shift(d, scale, shift):
    """d = shift + scale * d."""
    for n in range(d.size):
        d[n] = shift + scale * d[n]


@called
def denominators(d, a, first, count, step, column, scale, shift):
    """d = shift + scale * the sum of the squares of `count` rows; the usual five in one pass."""
    if count == 5:
        end = column + d.size
        row, p = a[first, column:end], a[first + step, column:end]
        q, s = a[first + 2 * step, column:end], a[first + 3 * step, column:end]
        t = a[first + 4 * step, column:end]
        for n in range(d.size):
            squares = (p[n] * p[n] + q[n] * q[n]) + (s[n] * s[n] + t[n] * t[n])
            d[n] = shift + scale * (row[n] * row[n] + squares)
    else:
        sum_squares(d, a, first, count, step, column)
        scale_and_shift(d, scale, shift)


@called
def divide_by_power(x, d, power, y):
    """y = x * d ** -power.  The usual powers need only square roots, which are vectorized."""
    if power == 0.75:
        for n in range(y.size):
            root = np.sqrt(d[n])
            y[n] = x[n] / (root * np.sqrt(root))
    elif power == 0.5:
        for n in range(y.size):
            y[n] = x[n] / np.sqrt(d[n])
    elif power == 1.0:
        for n in range(y.size):
            y[n] = x[n] / d[n]
    else:
        exponent = y.dtype.type(-power)
        for n in range(y.size):
            y[n] = x[n] * np.exp(exponent * np.log(d[n]))


@called
def share_of_gradient(y, dy, d, q):
    """q = dy * y / d: the part of a gradient that an output sends to each input of its window."""
    for n in range(q.size):
        q[n] = dy[n] * y[n] / d[n]


@called
def put_gradient(direct, x, total, factor, dx, accumulate):
    """dx (+)= direct - factor * x * total."""
    if accumulate:
        for n in range(dx.size):
            dx[n] += direct[n] - factor * x[n] * total[n]
    else:
        for n in range(dx.size):
            dx[n] = direct[n] - factor * x[n] * total[n]


@called
def take_shared(x, total, factor, dx):
    """dx -= factor * x * total."""
    for n in range(dx.size):
        dx[n] -= factor * x[n] * total[n]
