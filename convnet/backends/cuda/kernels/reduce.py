"""Sums over the threads of a block, in a fixed order; every thread gets its sum."""

from numba import cuda, float32, float64

from convnet.backends.cuda.jit import THREADS, inlined

MOST_THREADS = 1024  # of a block


@inlined
def block_sum(value):
    """The sum of `value` over a block of THREADS threads."""
    return team_sum(value, THREADS)


@inlined
def team_sum(value, team):
    """Over `team` neighbouring threads; team: a power of two."""
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


@inlined
def lanes_sum(value, lanes):
    """Over the threads t of one t % lanes; lanes and the threads of the block: powers of two."""
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


@inlined
def lanes_max(value, lanes):
    """The largest `value`, a float32, of the same threads; what is not a number is passed over."""
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
