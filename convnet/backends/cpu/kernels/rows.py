"""The smallest helpers: loops over one row.

Kernels call them instead of assigning to slices, which Numba would turn into parallel loops.
"""

from convnet.backends.cpu.jit import inlined


@inlined
def fill(row, value):
    """row = value."""
    for n in range(row.size):
        row[n] = value


@inlined
def copy_row(source, target):
    """target = source."""
    for n in range(target.size):
        target[n] = source[n]


@inlined
def add_row(source, target):
    """target += source."""
    for n in range(target.size):
        target[n] += source[n]


@inlined
def put_row(source, target, accumulate):
    """target (+)= source."""
    for n in range(target.size):
        target[n] = target[n] + source[n] if accumulate else source[n]
