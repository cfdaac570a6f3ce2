"""The CUDA engine: memory of GPUs, and programs of launches and copies."""

import inspect
from importlib import import_module

import numpy as np
from numba import cuda

from convnet.errors import DeviceError
from convnet.network.memory import Buffer, View
from convnet.network.record import Step

from .controls import Controls
from .launch import Array, Launch
from .order import ordered
from .program import Program
from .queues import Queues
from .room import refuse_beyond
from .transfer import Copy

SCRATCH_ALIGNMENT = 256


class Engine:
    """Memory and execution on GPUs, in float32.

    gpus: the physical GPU of each device of the spec; one may be named twice, its devices then have
    their own memory and streams.  precision: of the products of convolutions and full connections,
    one of base.PRECISIONS.  graphs: run programs as CUDA graphs.
    """

    kind = "cuda"

    def __init__(self, gpus: tuple[int, ...] = (0,), precision: str = "fp32", graphs: bool = True):
        self.real = np.dtype(np.float32)
        self.gpus, self.precision, self.graphs = tuple(gpus), precision, graphs
        self.queues = Queues(self.gpus)
        self.memory: dict[Buffer, object] = {}
        self.scratch: dict[int, object] = {}
        self.controls: dict[int, Controls] = {}
        self._working = False
        self._constants: dict[tuple, object] = {}

    def device_name(self, device: int) -> str:
        return "host" if device < 0 else f"cuda:{self.gpus[device]}"

    # -- memory ----------------------------------------------------------------------------------

    def allocate(self, buffers: list[Buffer], minibatch: int) -> None:
        """Take all memory; DeviceError with the figures if a GPU has not that much."""
        refuse_beyond(buffers, {}, minibatch, self.gpus, self._free())
        for device in sorted({b.device for b in buffers if b.role == "controls"}):
            mine = [b for b in buffers if b.device == device and b.role == "controls"]
            self.controls[device] = Controls(mine, self._take(device, Controls.size(mine)))
            self.memory |= self.controls[device].memory
        for buffer in buffers:
            if buffer not in self.memory:
                size = buffer.bytes(minibatch, self.real.itemsize)
                self.memory[buffer] = self._take(buffer.device, size)

    def _free(self) -> dict[int, int]:
        found = {}
        for gpu in sorted(set(self.gpus)):
            with cuda.gpus[gpu]:
                found[gpu] = cuda.current_context().get_memory_info()[0]
        return found

    def _take(self, device, size):
        """Zeroed bytes on a device, or of the host that copies can read without staging."""
        if device < 0:
            memory = cuda.pinned_array(size, np.uint8)
            memory[:] = 0
            return memory
        with self.queues.on(device):
            return cuda.to_device(np.zeros(size, np.uint8))

    def _dtype(self, buffer):
        return self.real if buffer.dtype == "real" else np.dtype(buffer.dtype)

    def array(self, view: View, cases: int) -> Array:
        """The view's values for a minibatch of `cases`."""
        dtype = self._dtype(view.buffer)
        start = view.start * (cases if view.buffer.per_case else 1) * dtype.itemsize
        return Array(self.memory[view.buffer], start, view.shape(cases), dtype)

    def read(self, view: View, cases: int) -> np.ndarray:
        """The values on the host, when all queued work is done."""
        self.synchronize()
        array = self.array(view, cases)
        if view.device < 0:
            return array.on_device().copy().reshape(array.shape)
        with self.queues.on(view.device):
            return array.on_device().copy_to_host().reshape(array.shape)

    def write(self, view: View, cases: int, values) -> None:
        """Set the values, when all queued work is done; controls when the next program runs."""
        self.synchronize()
        if view.buffer.role == "controls":
            self.controls[view.device].set(view.buffer, values)
            return
        array = self.array(view, cases)
        flat = np.ascontiguousarray(np.broadcast_to(values, array.shape), array.dtype).reshape(-1)
        if view.device < 0:
            array.on_device()[:] = flat
        else:
            with self.queues.on(view.device):
                array.on_device().copy_to_device(flat)

    # -- programs --------------------------------------------------------------------------------

    def program(self, steps: list[Step], sizes: tuple[int, ...]) -> Program:
        """The steps bound to this engine's memory; sizes: cases of each microbatch.

        Steps on empty microbatches are left out.
        """
        cases_of = {id(step): sizes[step.microbatch or 0] for step in steps}
        steps = [s for s in steps if cases_of[id(s)] or s.microbatch is None]
        self._take_scratch(steps, cases_of)
        pieces = ordered(steps, written)
        work = [(piece, self.work_of(piece.step, cases_of[id(piece.step)])) for piece in pieces]
        return Program(self, work)

    def work_of(self, step: Step, cases: int) -> list[Launch | Copy]:
        """The launches and copies of a step."""
        function, arguments, extra = self._call_of(step, cases)
        size = self._scratch_size(function, arguments, extra)
        if size is not None:
            scratch = self._scratch(step.device, size)
            extra = {**extra, "scratch": Array(scratch, 0, (size,), np.dtype(np.uint8))}
        return list(function(*arguments, **extra))

    def _call_of(self, step, cases):
        function = operation(step.operation)
        arguments = [self.array(a, cases) if isinstance(a, View) else a for a in step.arguments]
        extra = {"precision": self.precision} if function.takes_precision else {}
        return function, arguments, extra

    def _scratch_size(self, function, arguments, extra):
        if function.scratch_size is None:
            return None
        return int(function.scratch_size(*arguments, **extra))

    def _take_scratch(self, steps, cases_of):
        """First the largest need of each device, so that all functions share one piece."""
        needs: dict[int, int] = {}
        for step in steps:
            size = self._scratch_size(*self._call_of(step, cases_of[id(step)])) or 0
            needs[step.device] = max(needs.get(step.device, 0), size)
        for device, size in needs.items():
            self._scratch(device, size)

    def _scratch(self, device, size):
        known = self.scratch.get(device)
        if device >= 0 and (known is None or known.size < size):
            self._refuse_scratch(device, size)
            known = self.scratch[device] = self._take(device, max(size, SCRATCH_ALIGNMENT))
        return known

    def _refuse_scratch(self, device, size):
        free = self._free()[self.gpus[device]]
        if size > free:
            raise DeviceError(
                f"GPU {self.gpus[device]} has {free / 1e9:.2f} GB free, the working memory of the "
                f"layers of device {device} needs {size / 1e9:.2f} GB. Lower --minibatch"
            )

    def constant(self, device, values):
        """A device array of constants, uploaded once."""
        key = device, values.dtype.str, values.tobytes()
        if key not in self._constants:
            with self.queues.on(device):
                self._constants[key] = cuda.to_device(np.ascontiguousarray(values).reshape(-1))
        return self._constants[key]

    def synchronize(self) -> None:
        """Wait until all queued work is done."""
        if self._working:
            self.queues.synchronize()
            self._working = False

    def works(self) -> None:
        """Told by a program that it queued something."""
        self._working = True


def operation(name: str):
    """The function of a step's name, "module.function"."""
    module, function = name.split(".")
    return getattr(import_module(f"convnet.backends.cuda.{module}"), function)


def written(step: Step) -> set[int]:
    """Positions of the arguments that a step changes."""
    function = operation(step.operation)
    names = list(inspect.signature(function).parameters)
    return {names.index(name) for name in function.writes}
