"""Scaled copies and sums.  Bytes a value: 8, or 12 where two values are added."""

from numba import cuda, float32

from convnet.backends.base import implements
from convnet.backends.cuda.jit import int32
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import grid_stride, launch_elementwise, vectorized
from convnet.operations import elementwise


@implements(elementwise.scale)
def scale(x, y, factor, accumulate):
    return [launch_elementwise(_SCALE, (x, y), float(factor), accumulate)]


@implements(elementwise.weighted_sum)
def weighted_sum(a, b, y, factor_a, factor_b):
    return [launch_elementwise(_SUM, (a, b, y), float(factor_a), float(factor_b))]


def _scale(WIDTH):
    def scale(x, y, factor, accumulate, count):
        v, old = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(v, x, i, WIDTH)
            if accumulate:
                load_values(old, y, i, WIDTH)
            for k in range(WIDTH):
                new = factor * v[k]
                v[k] = old[k] + new if accumulate else new
            store_values(y, i, v, WIDTH)
            i = int32(i + step)

    return scale


def _sum(WIDTH):
    def weighted_sum(a, b, y, factor_a, factor_b, count):
        v, other = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        i, step = grid_stride(WIDTH)
        while i < count:
            load_values(v, a, i, WIDTH)
            load_values(other, b, i, WIDTH)
            for k in range(WIDTH):
                v[k] = factor_a * v[k] + factor_b * other[k]
            store_values(y, i, v, WIDTH)
            i = int32(i + step)

    return weighted_sum


_SCALE, _SUM = vectorized(_scale), vectorized(_sum)
