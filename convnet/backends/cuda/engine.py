"""The CUDA engine: it owns the memory of GPUs, and makes programs of launches and copies."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from math import prod
from typing import Any

import numpy as np
from numba import cuda

from convnet.backends.base import unused_positions, written_positions
from convnet.backends.cuda.jit import DeviceArray
from convnet.backends.cuda.runtime.controls import Controls
from convnet.backends.cuda.runtime.copy import Copy
from convnet.backends.cuda.runtime.double_buffer import COMPUTING, UPLOADING, Slot, Slots
from convnet.backends.cuda.runtime.host_copy import copy_rows
from convnet.backends.cuda.runtime.launch import Array, Launch
from convnet.backends.cuda.runtime.memory import allocate, check_fit
from convnet.backends.cuda.runtime.ports import Port
from convnet.backends.cuda.runtime.program import Program
from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, Stream, schedule
from convnet.backends.cuda.runtime.streams import Streams
from convnet.backends.cuda.runtime.timing import Times
from convnet.errors import DeviceError
from convnet.network.memory import Buffer, View
from convnet.network.record import Step

SCRATCH_ALIGNMENT = 256


class Engine:
    """Memory and execution on GPUs, in float32.

    gpus: the physical GPU of each device of the spec; where one is named twice, its devices have
    memory and streams of their own.  precision: of the products of convolutions and full
    connections, one of base.PRECISIONS.  graphs: run programs as CUDA graphs, which is not possible
    across GPUs that cannot access each other's memory.
    """

    kind = "cuda"
    loads_ahead = True

    def __init__(self, gpus: tuple[int, ...] = (0,), precision: str = "fp32", graphs: bool = True):
        self.real = np.dtype(np.float32)
        self.gpus, self.precision = tuple(gpus), precision
        self.streams = Streams(self.gpus)
        self.graphs = graphs and self.streams.are_peers
        self.memory: dict[Buffer, object] = {}
        self.scratch: dict[int, object] = {}
        self.controls: dict[int, Controls] = {}
        self.slots = Slots(self.streams)
        self._constants: dict[tuple, object] = {}
        self._costs: dict[View, object] = {}

    def device_name(self, device: int) -> str:
        """Return the name of a device of the spec; -1 is the host."""
        return "host" if device < 0 else f"cuda:{self.gpus[device]}"

    def expect(self, programs: Mapping[str, list[Step]]) -> None:
        """Do nothing: memory does not depend on the programs."""

    def has(self, buffer: Buffer) -> bool:
        """Return True: all devices are this process's."""
        return True

    # -- memory ----------------------------------------------------------------------------------

    def unused(self, step: Step) -> set[int]:
        """Return the positions of the arguments that a step does not use; they may be None."""
        return unused_positions(operation(step.operation), step.arguments)

    def allocate(self, buffers: list[Buffer], minibatch: int) -> None:
        """Allocate all memory; DeviceError, with the sizes, if a GPU has too little."""
        check_fit(buffers, {}, minibatch, self.gpus, self._free())
        for device in sorted({b.device for b in buffers if b.role == "controls"}):
            mine = [b for b in buffers if b.device == device and b.role == "controls"]
            self.controls[device] = self._make_controls(device, mine)
            self.memory |= self.controls[device].memory
        sizes = {b: b.bytes(minibatch, self.real.itemsize) for b in buffers if b not in self.memory}
        for buffer, size in sizes.items():
            if buffer.role == "inputs":
                for slot in self.slots:
                    slot.memory[buffer] = self._allocate(buffer.device, size)
            else:
                self.memory[buffer] = self._allocate(buffer.device, size)

    def _make_controls(self, device, buffers):
        size = Controls.size(buffers)
        staged = [self._allocate(-1, size) for _ in self.slots]
        with self.streams.on(device):
            return Controls(buffers, self._allocate(device, size), staged)

    def _free(self) -> dict[int, int]:
        found = {}
        for gpu in sorted(set(self.gpus)):
            with cuda.gpus[gpu]:
                found[gpu] = cuda.current_context().get_memory_info()[0]
        return found

    def _allocate(self, device, size):
        return allocate(self.streams, device, size)

    def _dtype(self, buffer):
        return self.real if buffer.dtype == "real" else np.dtype(buffer.dtype)

    def array(self, view: View, cases: int, slot: Slot | None = None) -> Array:
        """Return a view's values for a minibatch of `cases`; slot: by default the current one."""
        dtype = self._dtype(view.buffer)
        start = view.start * (cases if view.buffer.per_case else 1) * dtype.itemsize
        return Array(self._memory(view.buffer, slot), start, view.shape(cases), dtype)

    def _memory(self, buffer, slot):
        if buffer.role != "inputs":
            return self.memory[buffer]
        return (slot or self.slots.current).memory[buffer]

    def read(self, view: View, cases: int) -> np.ndarray:
        """Wait for the programs, not for uploads, and return the values on the host."""
        if view.device < 0:  # programs only read it
            array = self.array(view, cases)
            return array.on_device().copy().reshape(array.shape)
        self.slots.wait_for_programs()
        if view.buffer.role == "inputs":
            self.slots.current.wait()
        with self.streams.on(view.device):
            return self._device_array(view, cases).copy_to_host().reshape(view.shape(cases))

    def _device_array(self, view, cases):
        """The device array; that of a cost, which is read after each step, is kept."""
        if view.buffer.role != "costs":
            return self.array(view, cases).on_device()
        if view not in self._costs:
            self._costs[view] = self.array(view, cases).on_device()
        return self._costs[view]

    def write(self, view: View, cases: int, values: Any) -> None:
        """Wait for the programs and set values on a device; controls are set for the next run.

        `values` broadcasts to the view's shape.
        """
        if view.buffer.role == "controls":
            self.controls[view.device].set(view.buffer, values)
            return
        self.slots.wait_for_programs()
        array, compute = self.array(view, cases), Stream(view.device, COMPUTE)
        flat = np.ascontiguousarray(np.broadcast_to(values, array.shape), array.dtype).reshape(-1)
        with self.streams.on(view.device):
            array.on_device().copy_to_device(flat, stream=self.streams.stream(compute))
        self.streams.wait_for(compute)

    # -- minibatches -----------------------------------------------------------------------------

    def fill(self, view: View, cases: int, values: np.ndarray) -> None:
        """Set data of the next minibatch on the host, once nothing uses its memory any more."""
        slot = self.slots.coming
        slot.wait()
        array = self.array(view, cases, slot)
        copy_rows(array.on_device().reshape(-1, cases), values.reshape(-1, cases))

    def swap(self) -> None:
        """Swap the buffers of minibatches: later runs use the one that was filled last."""
        self.slots.swap()

    @contextmanager
    def _computing(self) -> Iterator[Slot]:
        """A context of the slot that a program runs on, with the controls as they are now."""
        slot = self.slots.current
        changed = [c for c in self.controls.values() if not c.is_staged(slot.number)]
        if changed:
            slot.wait_for_programs()
        for controls in changed:
            controls.stage(slot.number)
        with slot.computing():
            yield slot

    def _loading(self):
        return self.slots.coming.loading()

    # -- programs --------------------------------------------------------------------------------

    def dtype_of(self, view: View) -> np.dtype[Any]:
        """Return the type of a view's values."""
        return self._dtype(view.buffer)

    def port(self, view: View, cases: int, half: bool) -> Port:
        """Return a view as bytes of the host to send or receive; half: as 16-bit floats."""
        itemsize = 2 if half else self.dtype_of(view).itemsize
        memory = self._allocate(-1, prod(view.shape(cases)) * itemsize)
        return Port(self, view, cases, memory, half)

    def parts(
        self, parts: list[list[Step]], sizes: tuple[int, ...], *, by_step: bool
    ) -> list[list[Program]]:
        """Return a program for each part, which is a graph of its own; `by_step` is not heeded."""
        steps = [step for part in parts for step in part]  # all share their largest scratch
        self._allocate_scratch(steps, {id(s): sizes[s.microbatch or 0] for s in steps})
        return [[self.program(part, sizes)] for part in parts]

    def program(self, steps: list[Step], sizes: tuple[int, ...]) -> Program:
        """Bind steps to this engine's memory.  sizes: cases of each microbatch.

        Steps on empty microbatches are left out.
        """
        cases_of = {id(step): sizes[step.microbatch or 0] for step in steps}
        steps = [s for s in steps if cases_of[id(s)] or s.microbatch is None]
        self._allocate_scratch(steps, cases_of)
        loads = all(step.phase == "load" for step in steps)
        return Program(
            self,
            schedule(steps, written),
            lambda item, slot: self.work_of(item.step, cases_of[id(item.step)], slot),
            acquire=self._loading if loads else self._computing,
            origin=UPLOADING if loads else COMPUTING,
            graphs=self.graphs and not loads,
        )

    def work_of(self, step: Step, cases: int, slot: Slot | None = None) -> list[Launch | Copy]:
        """Return the launches and copies of a step; slot: as for `array`."""
        function, arguments, extra = self._call_of(step, cases, slot)
        size = self._scratch_size(function, arguments, extra)
        if size is not None:
            scratch = self._scratch(step.device, size)
            extra = {**extra, "scratch": Array(scratch, 0, (size,), np.dtype(np.uint8))}
        return list(function(*arguments, **extra))

    def _call_of(self, step, cases, slot=None):
        function = operation(step.operation)
        arguments = [
            self.array(a, cases, slot) if isinstance(a, View) else a for a in step.arguments
        ]
        extra = {"precision": self.precision} if function.takes_precision else {}
        return function, arguments, extra

    def _scratch_size(self, function, arguments, extra):
        if function.scratch_size is None:
            return None
        return int(function.scratch_size(*arguments, **extra))

    def _allocate_scratch(self, steps, cases_of):
        """Allocate the largest scratch memory of each device first: all operations share it."""
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
            known = self.scratch[device] = self._allocate(device, max(size, SCRATCH_ALIGNMENT))
        return known

    def _refuse_scratch(self, device, size):
        free = self._free()[self.gpus[device]]
        if size > free:
            raise DeviceError(
                f"GPU {self.gpus[device]} has {free / 1e9:.2f} GB free, the working memory of the "
                f"layers of device {device} needs {size / 1e9:.2f} GB. Lower --minibatch"
            )

    def constant(self, device: int, values: np.ndarray) -> DeviceArray:
        """Return a device array of constants, which is uploaded once."""
        key = device, values.dtype.str, values.tobytes()
        if key not in self._constants:
            compute, flat = Stream(device, COMPUTE), np.ascontiguousarray(values).reshape(-1)
            with self.streams.on(device):
                self._constants[key] = cuda.to_device(flat, stream=self.streams.stream(compute))
            self.streams.wait_for(compute)
        return self._constants[key]

    def synchronize(self) -> None:
        """Block the host until all enqueued work is done."""
        self.streams.synchronize()

    def times(self) -> Times:
        """Return an object that records when steps run, for `Program.timed`."""
        return Times(self.streams)


def operation(name: str) -> Callable:
    """Return the function of a step's operation, "module.function"."""
    module, function = name.split(".")
    return getattr(import_module(f"convnet.backends.cuda.ops.{module}"), function)


def written(step: Step) -> set[int]:
    """Return the positions of the arguments that a step writes."""
    return written_positions(operation(step.operation))
