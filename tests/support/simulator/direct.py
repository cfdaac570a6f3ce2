"""Operations of the CUDA backend called directly, on arrays at addresses that a test chooses."""

import numpy as np
from numba import cuda

from convnet.backends.cuda.runtime.launch import Array

MARGIN = 64  # bytes in front of and behind each array, which must stay as they are


def on_device(values: np.ndarray, offset: int = 0) -> Array:
    """Place the values `offset` bytes behind a 16-byte aligned address, between bytes of 255.

    Larger values are placed one value behind it, because GPUs read only aligned values.
    """
    values = np.ascontiguousarray(values)
    if offset % values.itemsize:
        offset = max(offset // values.itemsize, 1) * values.itemsize
    memory = np.full(values.nbytes + 2 * MARGIN + offset, 255, np.uint8)
    start = MARGIN + offset
    memory[start : start + values.nbytes] = values.reshape(-1).view(np.uint8)
    return Array(cuda.to_device(memory), start, values.shape, values.dtype)


def run(function, arguments, offset: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """Return the arrays among the arguments after `function(*arguments)`, and the kernels' names.

    Memory outside the arrays must not have changed.
    """
    placed = [on_device(a, offset) if isinstance(a, np.ndarray) else a for a in arguments]
    extra = {}
    if getattr(function, "scratch_size", None) is not None:
        size = max(int(function.scratch_size(*placed)), 1)
        extra = {"scratch": on_device(np.full(size, 255, np.uint8))}
    names = [launch(item) for item in function(*placed, **extra)]
    arrays = [array for array in placed if isinstance(array, Array)]
    for array in arrays:
        memory = array.memory.copy_to_host()
        assert np.all(memory[: array.start] == 255), "written before an array"
        assert np.all(memory[array.start + array.nbytes :] == 255), "written behind an array"
    return [array.on_device().copy_to_host().reshape(array.shape) for array in arrays], names


def launch(item) -> str:
    arguments = [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in item.arguments]
    arguments = [a.on_device() if isinstance(a, Array) else a for a in arguments]
    item.kernel.dispatcher[item.blocks, item.threads](*arguments)
    return item.kernel.name
