"""How every CUDA kernel is compiled, and what differs in Numba's CUDA simulator.

In the simulator a kernel is Python, one thread after the other, so blocks are small there: kernels
take the number of their threads from `cuda.blockDim`, or from constants of this module.
"""

from collections.abc import Callable

from numba import cuda
from numba import int32 as _int32
from numba import uint32 as _uint32
from numba.cuda import config

from convnet.compiling import kernel_cache

config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # small layers have small grids, which is no mistake
SIMULATED = cuda.jit.__module__.partition(".simulator")[1] != ""
THREADS = 32 if SIMULATED else 256  # of a block, where a kernel does not say otherwise

# Casts: kernels write them where 64 bits would cost registers.  Numba's own are slow in Python.
int32 = int if SIMULATED else _int32
uint32 = (lambda value: int(value) & 0xFFFFFFFF) if SIMULATED else _uint32


class Kernel:
    """A function compiled for the device.

    threads: of each block; the compiler keeps registers few enough for `blocks` of them to be on a
    multiprocessor at once.  dispatcher: Numba's, which compiles for the arguments it meets.
    """

    def __init__(self, function: Callable, threads: int, blocks: int):
        self.function, self.threads, self.blocks = function, threads, blocks
        self.name = function.__qualname__
        self.dispatcher = _compiled(function, threads, blocks)

    def configured(self, blocks: tuple[int, ...], stream) -> Callable:
        """What launches it on a grid and a stream when called with the arguments."""
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
        kernel_cache.keep(made, function)
    return made


def kernel(function: Callable | None = None, *, threads: int = THREADS, blocks: int = 1):
    """Make a kernel: `@kernel`, or `@kernel(threads=..., blocks=...)`."""
    if function is not None:
        return Kernel(function, threads, blocks)
    return lambda function: Kernel(function, threads, blocks)


def inlined(function: Callable):
    """Make a piece of kernels: a device function, compiled once and put where it is called."""
    return cuda.jit(device=True, **({} if SIMULATED else {"forceinline": True}))(function)
