"""Vectorized kernels: they move 16 bytes at a time where all arrays allow it.

Such a kernel is compiled twice from one source, a function of WIDTH, the number of values that a
thread reads at once.  It holds them in local arrays of that length, which the compiler keeps in
registers.
"""

from collections.abc import Callable

from numba import cuda

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.jit import THREADS, Kernel, device_function, int32, kernel
from convnet.backends.cuda.runtime.launch import Array, Launch, over

WIDTHS = 4, 1


def vectorized(
    make: Callable[[int], Callable], name: str = "", blocks: int = 8
) -> dict[int, Kernel]:
    """Return the kernels of `make(WIDTH)`, by width.

    name: of the kernels, by default the function's.  blocks: that should fit on a multiprocessor at
    once; the default fills it with threads, so that enough reads are in flight.
    """
    return {width: _kernel(make(width), name, width, blocks) for width in WIDTHS}


def _kernel(function, name, width, blocks):
    function.__qualname__ = f"{name or function.__name__}_{width}"
    return kernel(function, threads=THREADS, blocks=blocks)


@device_function
def grid_stride(width):
    """Return a thread's first element and the distance to its next one (a grid-stride loop)."""
    return int32(cuda.grid(1) * width), int32(cuda.gridsize(1) * width)


def width_of(columns: int, *arrays: Array) -> int:
    """Return how many values one read moves, 4 or 1.

    4 where rows of so many columns are whole 16-byte words of every array.
    """
    widest = WIDTHS[0]
    whole = columns % widest == 0
    return widest if whole and all(a.aligned(widest * a.dtype.itemsize) for a in arrays) else 1


def launch_elementwise(kernels: dict[int, Kernel], arrays: tuple[Array, ...], *numbers) -> Launch:
    """Return a launch over arrays of one size; the kernel takes arrays, numbers and that size."""
    count = arrays[0].size
    width = width_of(count, *arrays)
    return over(kernels[width], ceil_div(count, width), *arrays, *numbers, count)
