"""The smallest pieces of inner loop.

Kernels call them instead of assigning to slices, which Numba would make into parallel loops.
"""

from convnet.backends.cpu.jit import inlined


@inlined
def fill(row, value):
    for n in range(row.size):
        row[n] = value


@inlined
def copy_row(source, target):
    for n in range(target.size):
        target[n] = source[n]


@inlined
def add_row(source, target):
    for n in range(target.size):
        target[n] += source[n]


@inlined
def put_row(source, target, accumulate):
    for n in range(target.size):
        target[n] = target[n] + source[n] if accumulate else source[n]
