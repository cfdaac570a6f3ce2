"""Windows of pixels, and the largest of rows of numbers, for pooling."""

from convnet.backends.cpu.jit import called, inlined
from convnet.backends.cpu.kernels.selection import select

MAX, AVG, SUM, MAXABS = range(4)


@inlined
def clip(o, size, stride, start, length):
    first = start + o * stride
    return max(first, 0), min(first + size, length)


@inlined
def _larger(a, b):
    """The larger number; a NaN stays."""
    return select((b > a) | (b != b), b, a)


@inlined
def _larger_magnitude(a, b):
    return b if abs(b) >= abs(a) or b != b else a


@called
def take(x, out, kind, is_first):
    """Bring one row of pixels into the output."""
    if is_first:
        for n in range(out.size):
            out[n] = x[n]
    elif kind == MAX:
        for n in range(out.size):
            out[n] = _larger(out[n], x[n])
    elif kind == MAXABS:
        for n in range(out.size):
            out[n] = _larger_magnitude(out[n], x[n])
    else:
        for n in range(out.size):
            out[n] += x[n]


@called
def larger_of_three(x, y, z, out, is_first):
    """Bring three rows into the output, which is read and written only once."""
    if is_first:
        for n in range(out.size):
            out[n] = _larger(_larger(x[n], y[n]), z[n])
    else:
        for n in range(out.size):
            out[n] = _larger(out[n], _larger(_larger(x[n], y[n]), z[n]))


@inlined
def largest(rows, first, end, out):
    """out = the largest of rows[first:end], number by number."""
    i = first
    while i < end:
        if i + 3 <= end:
            larger_of_three(rows[i], rows[i + 1], rows[i + 2], out, i == first)
            i += 3
        else:
            take(rows[i], out, MAX, i == first)
            i += 1
