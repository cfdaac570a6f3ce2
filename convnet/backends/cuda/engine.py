"""The CUDA engine: memory of GPUs, and programs of launches and copies."""

from importlib import import_module

import numpy as np
from numba import cuda

from convnet.network.memory import Buffer, View
from convnet.network.record import Step

from .launch import Array, Launch
from .transfer import Copy

SCRATCH_ALIGNMENT = 256


class Engine:
    """Memory and execution on GPUs, in float32.

    gpus: the physical GPU of each device of the spec; one may be named twice, its devices then have
    their own memory and streams.  precision: of the products of convolutions and full connections,
    one of base.PRECISIONS.
    """

    kind = "cuda"

    def __init__(self, gpus: tuple[int, ...] = (0,), precision: str = "fp32"):
        self.real = np.dtype(np.float32)
        self.gpus, self.precision = gpus, precision
        self.memory: dict[Buffer, object] = {}
        self.scratch: dict[int, object] = {}

    def device_name(self, device: int) -> str:
        return "host" if device < 0 else f"cuda:{self.gpus[device]}"

    def allocate(self, buffers: list[Buffer], minibatch: int) -> None:
        for buffer in buffers:
            size = buffer.bytes(minibatch, self.real.itemsize)
            self.memory[buffer] = self._take(buffer.device, size)

    def _take(self, device, size):
        """Zeroed bytes on a device, or of the host that copies can read without staging."""
        if device < 0:
            memory = cuda.pinned_array(size, np.uint8)
            memory[:] = 0
            return memory
        with cuda.gpus[self.gpus[device]]:
            return cuda.to_device(np.zeros(size, np.uint8))

    def _dtype(self, buffer):
        return self.real if buffer.dtype == "real" else np.dtype(buffer.dtype)

    def array(self, view: View, cases: int) -> Array:
        dtype = self._dtype(view.buffer)
        start = view.start * (cases if view.buffer.per_case else 1) * dtype.itemsize
        return Array(self.memory[view.buffer], start, view.shape(cases), dtype)

    def read(self, view: View, cases: int) -> np.ndarray:
        array = self.array(view, cases)
        found = array.on_device()
        found = found.copy() if view.device < 0 else found.copy_to_host()
        return found.reshape(array.shape)

    def write(self, view: View, cases: int, values) -> None:
        array = self.array(view, cases)
        flat = np.ascontiguousarray(np.broadcast_to(values, array.shape), array.dtype).reshape(-1)
        if view.device < 0:
            array.on_device()[:] = flat
        else:
            array.on_device().copy_to_device(flat)

    def program(self, steps: list[Step], sizes: tuple[int, ...]) -> "Program":
        """The steps bound to this engine's memory; sizes: cases of each microbatch.

        Steps on empty microbatches are left out.
        """
        bound = [(step, sizes[step.microbatch or 0]) for step in steps]
        bound = [(step, cases) for step, cases in bound if cases or step.microbatch is None]
        return Program([(step, self.work_of(step, cases)) for step, cases in bound])

    def work_of(self, step: Step, cases: int) -> list[Launch | Copy]:
        """The launches and copies of a step."""
        function = operation(step.operation)
        arguments = [self.array(a, cases) if isinstance(a, View) else a for a in step.arguments]
        extra = {"precision": self.precision} if function.takes_precision else {}
        if function.scratch_size is not None:
            size = int(function.scratch_size(*arguments, **extra))
            extra["scratch"] = self._scratch(step.device, size)
        return list(function(*arguments, **extra))

    def _scratch(self, device, size):
        known = self.scratch.get(device)
        if known is None or known.size < size:
            known = self.scratch[device] = self._take(device, max(size, SCRATCH_ALIGNMENT))
        return Array(known, 0, (size,), np.dtype(np.uint8))

    def synchronize(self) -> None:
        for gpu in set(self.gpus):
            with cuda.gpus[gpu]:
                cuda.synchronize()


class Program:
    """Launches and copies, queued one after the other."""

    def __init__(self, work):
        self.steps = [step for step, _ in work]
        self.work = [item for _, items in work for item in items]

    def run(self) -> None:
        for item in self.work:
            if isinstance(item, Copy):
                item.dst.on_device()[:] = item.src.on_device()
            else:
                arguments = [a.on_device() if isinstance(a, Array) else a for a in item.arguments]
                item.kernel.dispatcher[item.blocks, item.threads](*arguments)


def operation(name: str):
    """The function of a step's name, "module.function"."""
    module, function = name.split(".")
    return getattr(import_module(f"convnet.backends.cuda.{module}"), function)
