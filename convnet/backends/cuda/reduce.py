"""Sums over the threads of a block of THREADS, in a fixed order; every thread gets its sum."""

from numba import cuda, float64

from .compiling import THREADS, inlined


@inlined
def block_sum(value):
    """The sum of `value` over all threads."""
    return team_sum(value, THREADS)


@inlined
def team_sum(value, team):
    """Over `team` neighbouring threads; team: a power of two."""
    shared = cuda.shared.array(THREADS, float64)
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = team // 2
    while half:
        if t % team < half:
            shared[t] += shared[t + half]
        cuda.syncthreads()
        half //= 2
    total = shared[t - t % team]
    cuda.syncthreads()
    return total


@inlined
def lanes_sum(value, lanes):
    """Over the threads t of one t % lanes; lanes: a power of two."""
    shared = cuda.shared.array(THREADS, float64)
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = THREADS // 2
    while half >= lanes:
        if t < half:
            shared[t] += shared[t + half]
        cuda.syncthreads()
        half //= 2
    total = shared[t % lanes]
    cuda.syncthreads()
    return total
