"""Launches: what an operation of the CUDA backend returns, and the engine enqueues.

An operation computes nothing itself.  It is called once, when a program is bound, and returns the
kernels, grids and arguments that do its work.  So it costs no Python time when a step runs, and all
kernels of a network can be compiled on a machine without a GPU.
"""

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.jit import THREADS, DeviceArray, Kernel
from convnet.errors import DeviceError

# Of grids whose threads take several elements: many times what a GPU runs at once, so that it is
# busy to the end.
MOST_BLOCKS = 1 << 14
MOST_VALUES = 2**31 - 2**26  # of an array: kernels count in int32, and step beyond the end
ALIGNMENT = 256  # bytes, of parts of scratch memory


@dataclass(frozen=True)
class Array:
    """Contiguous values in device memory; kernels receive them as a flat array.

    memory: a uint8 array on the device; None when kernels are only compiled.  start: its first
    byte there.
    """

    memory: object
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def reshape(self, *shape: int) -> "Array":
        """Return the same values in another shape; -1 stands for the remaining length."""
        known = prod(n for n in shape if n >= 0)
        shape = tuple(n if n >= 0 else self.size // known for n in shape)
        if prod(shape) != self.size:
            raise ValueError(f"an array of shape {self.shape} cannot be seen as {shape}")
        return replace(self, shape=shape)

    def part(self, first: int, shape: tuple[int, ...], dtype: type | None = None) -> "Array":
        """Return the values from byte `first` on; by default of the same type."""
        found = Array(self.memory, self.start + first, shape, np.dtype(dtype or self.dtype))
        if first + found.nbytes > self.nbytes:
            raise ValueError(f"{found.nbytes} bytes at {first} do not lie in {self.nbytes} bytes")
        return found

    def aligned(self, size: int) -> bool:
        """Whether it starts at a multiple of `size` bytes."""
        return self.start % size == 0

    def on_device(self) -> DeviceArray:
        """Return the flat device array that a kernel receives."""
        return self.memory[self.start : self.start + self.nbytes].view(self.dtype)


@dataclass(frozen=True)
class Launch:
    """One kernel on a grid.

    blocks: of the grid, up to three numbers.  arguments: each an `Array`, a NumPy scalar of the
    kernel's type, a tuple of scalars, or a NumPy array of constants, which the engine uploads once.
    """

    kernel: Kernel
    blocks: tuple[int, ...]
    arguments: tuple

    @property
    def threads(self) -> int:
        return self.kernel.threads


def launch(kernel: Kernel, blocks: int | tuple[int, ...], *arguments) -> Launch:
    """Return a launch; ints and bools become int32, floats float32.

    DeviceError if an array has more values than kernels can count.
    """
    for argument in arguments:
        if isinstance(argument, Array) and argument.size > MOST_VALUES:
            raise DeviceError(
                f"an array of {argument.size:,} values is too large for the kernel {kernel.name}, "
                f"which counts to {MOST_VALUES:,}. Lower --minibatch"
            )
    blocks = (blocks,) if isinstance(blocks, int) else tuple(blocks)
    return Launch(kernel, blocks, tuple(_typed(argument) for argument in arguments))


def _typed(argument):
    if isinstance(argument, bool | int):
        return np.int32(argument)
    if isinstance(argument, float):
        return np.float32(argument)
    if isinstance(argument, tuple):
        return tuple(map(_typed, argument))
    return argument


def over(kernel: Kernel, elements: int, *arguments) -> Launch:
    """Return a launch over `elements` elements, for a kernel with a grid-stride loop."""
    blocks = max(1, min(MOST_BLOCKS, ceil_div(elements, kernel.threads)))
    return launch(kernel, blocks, *arguments)


def parts_of(scratch: Array, *wanted: tuple[tuple[int, ...], object]) -> list[Array]:
    """Divide scratch memory into arrays of (shape, type), each aligned to 256 bytes."""
    found, first = [], 0
    for shape, dtype in wanted:
        found.append(scratch.part(first, shape, dtype))
        first += _aligned(found[-1].nbytes)
    return found


def bytes_of(*wanted: tuple[tuple[int, ...], object]) -> int:
    """Return the size of the scratch memory that `parts_of` divides."""
    return sum(_aligned(prod(shape) * np.dtype(dtype).itemsize) for shape, dtype in wanted)


def _aligned(size):
    return ceil_div(size, ALIGNMENT) * ALIGNMENT


__all__ = ["THREADS", "Array", "Launch", "bytes_of", "launch", "over", "parts_of"]
