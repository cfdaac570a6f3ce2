"""Indices of kernels in 32 bits: a division of 64-bit integers takes about a hundred instructions.

Numba computes with 64 bits wherever one operand has them, and the steps of a `range` take a
division too.  Arrays have at most MOST_VALUES values (`runtime.launch`).
"""

from numba import cuda

from convnet.backends.cuda.jit import device_function, int32, uint32


@device_function
def elements(count):
    """Return a thread's elements of `count`: a grid-stride loop."""
    return range(int32(cuda.grid(1)), int32(count), int32(cuda.gridsize(1)))


@device_function
def split(a, b):
    """Return the quotient and the remainder of a / b; a is 0 or more, b more than 0."""
    quotient = int32(uint32(a) // uint32(b))
    return quotient, int32(a - quotient * b)
