"""Sums over the threads of a block, in a fixed order."""

from numba import cuda, float64

from .compiling import THREADS, inlined


@inlined
def block_sum(value):
    """The sum of `value` over a block of THREADS threads; every thread gets it."""
    shared = cuda.shared.array(THREADS, float64)
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = THREADS // 2
    while half:
        if t < half:
            shared[t] += shared[t + half]
        cuda.syncthreads()
        half //= 2
    total = shared[0]
    cuda.syncthreads()
    return total
