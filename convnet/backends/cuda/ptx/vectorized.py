"""Kernels that move 16 bytes at a time where all arrays allow it.

Such a kernel is made twice from one source, as a function of WIDTH: the values that a thread reads
at once.  It holds them in local arrays of that length, which the compiler keeps in registers.
"""

from collections.abc import Callable

from numba import cuda

from convnet.backends.cuda.jit import THREADS, Kernel, inlined, int32, kernel
from convnet.backends.cuda.runtime.launch import Array, Launch, over

WIDTHS = 4, 1


def wide(make: Callable[[int], Callable], name: str = "", blocks: int = 8) -> dict[int, Kernel]:
    """The kernels, by width, of `make(WIDTH)`; name: if it is not the function's.

    blocks: that are to be on a multiprocessor at once; by default as many threads as it takes, so
    that enough reads are under way.
    """
    return {width: _made(make(width), name, width, blocks) for width in WIDTHS}


def _made(function, name, width, blocks):
    function.__qualname__ = f"{name or function.__name__}_{width}"
    return kernel(function, threads=THREADS, blocks=blocks)


@inlined
def walk(width):
    """The first element of a thread, and the way to its next one."""
    return int32(cuda.grid(1) * width), int32(cuda.gridsize(1) * width)


def width_of(columns: int, *arrays: Array) -> int:
    """Values a read: 4 where rows of so many columns are whole words of every array, else 1."""
    widest = WIDTHS[0]
    whole = columns % widest == 0
    return widest if whole and all(a.aligned(widest * a.dtype.itemsize) for a in arrays) else 1


def stream(kernels: dict[int, Kernel], arrays: tuple[Array, ...], *numbers) -> Launch:
    """A launch over arrays of one size, whose kernel takes arrays, numbers and that size."""
    count = arrays[0].size
    width = width_of(count, *arrays)
    return over(kernels[width], -(-count // width), *arrays, *numbers, count)
