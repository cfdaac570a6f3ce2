"""Neurons (dialect, 4), applied to flat arrays of activities; functions and slopes as on the CPU.

A kernel is made for each kind, so that none carries the registers of another.  Bytes a value:
forward 8, backward 12 (8 where the derivative is a constant), or 4 more where it adds.
"""

from functools import cache

from numba import cuda, float32

from convnet.backends.base import operation
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


@operation(writes="y")
def forward(x, y, kind, a, b):
    """y = f(x).  x, y: (rows, N), may be one array; a and b: the neuron's parameters or 0."""
    return [launch_elementwise(_forward(kind), (x, y), float(a), float(b))]


@operation(writes="dx")
def backward(x, y, dy, dx, kind, a, b, accumulate):
    """dx (+)= f'(x) * dy.  dx may be dy, unless accumulating.

    Only drelu, abs, square and log read x; every other kind works from y.
    """
    return [launch_elementwise(_backward(kind), (x, y, dy, dx), float(a), float(b), accumulate)]


@operation(writes="dx db", scratch=lambda x, *_others: scratch_bytes(x))
def backward_fused(x, y, dy, dx, kind, a, b, db, db_adds, *, scratch):
    """dx = f'(x) * dy as `backward`, and db[r] (+)= the sum of dx[r, :] as `bias.grad`.

    x, y, dy, dx: (rows, columns); dx may be dy.
    """
    return neuron_backward_sums(Neuron(kind, a, b), x, y, dy, dx, db, db_adds, scratch)


@operation(writes="y")
def noisy(x, y, random):
    """nrelu: y = max(0, r + sqrt(r)*noise), r = max(0, x), noise normal of variance 1.

    x, y: (rows, N), may be one array.  The noise is made as on the CPU: each pair of words of a
    Philox group gives (u1, u2), u = ((word >> 8) + 1) * 2**-24, and sqrt(-2 log u1) * (cos, sin)
    (2 pi u2) for two elements in turn.
    """
    return [over(NOISY[width_of(x.size, x, y)], -(-x.size // 4), x, y, random, x.size)]


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
