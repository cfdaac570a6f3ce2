"""Reductions over the threads of a block, in a fixed order; every thread gets the result."""

from numba import cuda, float32, float64

from convnet.backends.cuda.jit import THREADS, device_function

MOST_THREADS = 1024  # of a block


@device_function
def block_sum(value):
    """Return the sum of `value` over a block of THREADS threads."""
    return team_sum(value, THREADS)


@device_function
def team_sum(value, team):
    """Return the sum over each team of `team` neighboring threads; team: a power of two."""
    shared = cuda.shared.array(MOST_THREADS, float64)
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


@device_function
def lanes_sum(value, lanes):
    """Return the sum over the threads t that have the same t % lanes.

    lanes and the threads of the block are powers of two.
    """
    shared = cuda.shared.array(MOST_THREADS, float64)
    t, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    shared[t] = value
    cuda.syncthreads()
    while half >= lanes:
        if t < half:
            shared[t] += shared[t + half]
        cuda.syncthreads()
        half //= 2
    total = shared[t % lanes]
    cuda.syncthreads()
    return total


@device_function
def lanes_max(value, lanes):
    """Return the largest `value`, a float32, over those threads; NaN is ignored."""
    shared = cuda.shared.array(MOST_THREADS, float32)
    t, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    shared[t] = value
    cuda.syncthreads()
    while half >= lanes:
        if t < half and not shared[t] >= shared[t + half]:
            shared[t] = shared[t + half]
        cuda.syncthreads()
        half //= 2
    largest = shared[t % lanes]
    cuda.syncthreads()
    return largest
