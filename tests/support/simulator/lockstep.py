"""A faster form of Numba's CUDA simulator: all threads of a block run in one system thread.

The simulator starts a system thread for each CUDA thread and polls them at barriers, which takes
tens of milliseconds a barrier.  Here each is a greenlet that runs until its next barrier.  The
order is deterministic.  It is reversed after each barrier, and in every second block, so that a
kernel with a missing barrier, which reads what another thread has not written yet, is likely to
fail.

The simulator also replaces `cuda` in a module for each call of a device function.  Here it is
replaced in all modules for a whole launch.  And kernels get NumPy's arrays, without the
wrapper that the simulator has for records.
"""

import sys
from contextlib import contextmanager
from functools import cache
from operator import attrgetter
from types import SimpleNamespace

import greenlet
import numpy as np
from numba import cuda
from numba.cuda import types
from numba.cuda.np import numpy_support
from numba.cuda.simulator import kernel, kernelapi
from numba.cuda.simulator.kernelapi import Dim3

_BACKEND = "convnet.backends.cuda."
_launch = kernel.FakeCUDAKernel.__call__


class _Thread(greenlet.greenlet):
    """A CUDA thread, with the interface of the simulator's own threads."""

    def __init__(self, manager, run, block, thread):
        super().__init__(run)
        self.manager = manager
        self.blockIdx, self.threadIdx = Dim3(*block), Dim3(*thread)
        dims = Dim3(*manager._block_dim)
        self.thread_id = self.threadIdx.x + dims.x * (self.threadIdx.y + dims.y * self.threadIdx.z)

    def syncthreads(self):
        self.parent.switch()

    def _vote(self, value):
        self.manager.block_state[self.threadIdx.x, self.threadIdx.y, self.threadIdx.z] = value
        self.syncthreads()
        found = self.manager.block_state.copy()
        self.syncthreads()
        return found

    def syncthreads_count(self, value):
        return np.count_nonzero(self._vote(value))

    def syncthreads_and(self, value):
        return 1 if np.all(self._vote(value)) else 0

    def syncthreads_or(self, value):
        return 1 if np.any(self._vote(value)) else 0


def _run_block(self, grid_point, *args):
    def target():
        self._f(*args)

    threads = [_Thread(self, target, grid_point, p) for p in np.ndindex(*self._block_dim)]
    waiting = threads[:: -1 if sum(grid_point) % 2 else 1]
    while waiting:
        for thread in waiting:
            thread.switch()
        waiting = [thread for thread in waiting[::-1] if not thread.dead]


def _shared_array(self, shape, dtype, alignment=None):
    """The block's array of this line of the kernel; the simulator's own knows no alignment."""
    caller = sys._getframe(1)
    key = caller.f_code.co_filename, caller.f_lineno
    if key not in self._allocations:
        dtype = numpy_support.as_dtype(dtype) if isinstance(dtype, types.Type) else dtype
        self._allocations[key] = np.empty(shape, dtype)
    return self._allocations[key]


@cache
def _spaces(modules):
    """The namespaces of modules; device functions in them are replaced by plain functions."""
    spaces = [vars(sys.modules[name]) for name in modules]
    for space in spaces:
        for name, value in space.items():
            if isinstance(value, kernel.FakeCUDAKernel) and value._device:
                space[name] = value.fn
    return spaces


@contextmanager
def _cuda_of_a_launch(function, module):
    """In the backend's modules, and in the function's own, `cuda` is `module`."""
    spaces = _spaces(tuple(name for name in sys.modules if name.startswith(_BACKEND)))
    spaces = [space for space in (*spaces, function.__globals__) if space.get("cuda") is cuda]
    for space in spaces:
        space["cuda"] = module
    try:
        yield
    finally:
        for space in spaces:
            space["cuda"] = cuda


def _call(self, *args):
    """Call a device function directly; launch a kernel."""
    return self.fn(*args) if self._device else _launch(self, *args)


def install() -> None:
    """Make the simulator use it in this process."""
    kernel.swapped_cuda_module = _cuda_of_a_launch
    kernel.FakeCUDAKernel.__call__ = _call
    kernel.FakeWithinKernelCUDAArray = attrgetter("_ary")
    kernelapi.FakeCUDAShared.array = _shared_array
    kernel.BlockManager.run = _run_block
    kernelapi.threading = SimpleNamespace(
        current_thread=greenlet.getcurrent, Lock=kernelapi.threading.Lock
    )
