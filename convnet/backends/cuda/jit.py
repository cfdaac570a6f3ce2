"""The decorators that compile CUDA kernels and device functions, also for Numba's simulator.

In the simulator a kernel is Python and its threads run one after the other, so blocks are small
there: kernels read the number of their threads from `cuda.blockDim`, or from constants of this
module.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from numba import cuda
from numba import int32 as _int32
from numba import uint32 as _uint32
from numba.cuda import config

from convnet.backends.cuda_probe import versions
from convnet.compiling import kernel_cache

config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # small layers have small grids, which is no mistake
SIMULATED = cuda.jit.__module__.partition(".simulator")[1] != ""
THREADS = 32 if SIMULATED else 256  # of a block, where a kernel does not say otherwise

# Casts: kernels write them where 64 bits would cost registers.  Numba's own are slow in Python.
int32 = int if SIMULATED else _int32
uint32 = (lambda value: int(value) & 0xFFFFFFFF) if SIMULATED else _uint32


# Numba's own objects, for annotations; the simulator has other classes for them.
DeviceArray, NumbaEvent, NumbaStream = Any, Any, Any


class Kernel:
    """A function compiled for the device.

    threads: of each block; the compiler limits the registers so that `blocks` blocks fit on a
    multiprocessor at once.  dispatcher: Numba's, which compiles for the argument types it meets.
    """

    def __init__(self, function: Callable, threads: int, blocks: int):
        self.function, self.threads, self.blocks = function, threads, blocks
        self.name = function.__qualname__
        self.dispatcher = _compiled(function, threads, blocks)

    def configured(self, blocks: tuple[int, ...], stream: NumbaStream) -> Callable[..., None]:
        """Return a function that launches the kernel on a grid and one of Numba's streams."""
        if SIMULATED:  # there a dispatcher knows only its last grid
            return lambda *arguments: self.dispatcher[blocks, self.threads, stream](*arguments)
        return self.dispatcher[blocks, self.threads, stream]


def _compiled(function, threads, blocks):
    if SIMULATED:  # its `jit` knows neither launch bounds nor a cache
        return cuda.jit(function)
    made, has_cache = kernel_cache.with_cache(
        lambda: cuda.jit(launch_bounds=(threads, blocks), cache=True)(function),
        lambda: cuda.jit(launch_bounds=(threads, blocks))(function),
        config,
    )
    if has_cache:
        kernel_cache.keep(made, function, _compiler_versions())
    return made


@cache
def _compiler_versions():
    """Of what makes machine code of a kernel; Numba does not look at them."""
    found = versions()
    return tuple(found[name] for name in ("numba-cuda", "nvidia-nvvm", "nvidia-nvjitlink"))


def kernel(
    function: Callable | None = None, *, threads: int = THREADS, blocks: int = 1
) -> Kernel | Callable[[Callable], Kernel]:
    """Make a kernel: `@kernel`, or `@kernel(threads=..., blocks=...)`."""
    if function is not None:
        return Kernel(function, threads, blocks)
    return lambda function: Kernel(function, threads, blocks)


def device_function(function: Callable) -> Callable:
    """Make a function that only kernels call; it is inlined where it is called."""
    return cuda.jit(device=True, **({} if SIMULATED else {"forceinline": True}))(function)
