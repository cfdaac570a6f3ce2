"""The elementwise nonlinearities, applied to flat arrays.

A kernel is made for each kind, so that none carries the registers of another.  Bytes a value:
forward 8, backward 12 (8 where the derivative is a constant), or 4 more where it adds.
"""

from functools import cache

from numba import cuda, float32

from convnet.arithmetic import ceil_div
from convnet.backends.base import implements
from convnet.backends.cuda.jit import int32
from convnet.backends.cuda.kernels.neuron_functions import DERIVATIVES, FUNCTIONS, Neuron
from convnet.backends.cuda.kernels.neuron_noise import NOISY
from convnet.backends.cuda.kernels.row_sums import neuron_backward_sums, scratch_bytes
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import (
    grid_stride,
    launch_elementwise,
    vectorized,
    width_of,
)
from convnet.backends.cuda.runtime.launch import over
from convnet.operations import neuron


@implements(neuron.forward)
def forward(x, y, kind, a, b):
    return [launch_elementwise(_forward(kind), (x, y), float(a), float(b))]


@implements(neuron.backward)
def backward(x, y, dy, dx, kind, a, b, accumulate):
    return [launch_elementwise(_backward(kind), (x, y, dy, dx), float(a), float(b), accumulate)]


@implements(neuron.backward_fused, scratch=lambda x, *_others: scratch_bytes(x))
def backward_fused(x, y, dy, dx, kind, a, b, db, db_adds, *, scratch):
    return neuron_backward_sums(Neuron(kind, a, b), x, y, dy, dx, db, db_adds, scratch)


@implements(neuron.noisy)
def noisy(x, y, random):
    return [over(NOISY[width_of(x.size, x, y)], ceil_div(x.size, 4), x, y, random, x.size)]


@cache
def _forward(kind):
    f = FUNCTIONS[kind]

    def make(WIDTH):
        def neuron_forward(x, y, a, b, count):
            v = cuda.local.array(WIDTH, float32)
            i, step = grid_stride(WIDTH)
            while i < count:
                load_values(v, x, i, WIDTH)
                for k in range(WIDTH):
                    v[k] = f(v[k], a, b)
                store_values(y, i, v, WIDTH)
                i = int32(i + step)

        return neuron_forward

    return vectorized(make, f"neuron_forward_{kind}")


@cache
def _backward(kind):
    derivative = DERIVATIVES[kind]

    def make(WIDTH):
        def neuron_backward(x, y, dy, dx, a, b, accumulate, count):
            v, out = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
            d, old = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
            i, step = grid_stride(WIDTH)
            while i < count:
                load_values(v, x, i, WIDTH)  # dropped by the compiler where it is not used
                load_values(out, y, i, WIDTH)
                load_values(d, dy, i, WIDTH)
                if accumulate:
                    load_values(old, dx, i, WIDTH)
                for k in range(WIDTH):
                    g = derivative(v[k], out[k], a, b) * d[k]
                    d[k] = old[k] + g if accumulate else g
                store_values(dx, i, d, WIDTH)
                i = int32(i + step)

        return neuron_backward

    return vectorized(make, f"neuron_backward_{kind}", blocks=5)  # divisions take registers
