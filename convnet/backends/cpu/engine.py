"""The CPU engine: memory of the host and of virtual devices, and programs of bound calls."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from math import prod

import numpy as np
import numpy.typing as npt
from numba import get_num_threads, set_num_threads
from numpy.typing import ArrayLike

from convnet.backends.base import unused_positions, written_positions
from convnet.backends.cpu.inputs import shared_inputs
from convnet.backends.cpu.ports import HalfPort, Port
from convnet.backends.cpu.prepared import Prepared, PreparedWeights
from convnet.backends.cpu.scratch import aligned
from convnet.compiling.building import compiled
from convnet.compiling.replay import bind, captured, preparing_calls
from convnet.errors import DeviceError
from convnet.memory import machine_memory
from convnet.network.memory import Buffer, View
from convnet.network.record import Step
from convnet.network.trace import Span
from convnet.operations import transfer

SMALL_STEP = 1 << 16  # bytes of all arrays of a step that runs on one thread


class Engine:
    """Memory and execution on the CPU.  real: float32, or float64 for gradient checks.

    Every device number is a virtual device.  Devices share no buffers, and only copies have views
    of two devices.
    """

    kind = "cpu"
    loads_ahead = False  # it has memory for one minibatch

    def __init__(self, real: npt.DTypeLike = np.float32) -> None:
        self.real = np.dtype(real)
        self.memory: dict[Buffer, np.ndarray] = {}
        self.scratch: dict[int, np.ndarray] = {}
        self._inputs: dict[Buffer, Buffer] = {}  # of a device, with that of the host
        self._weights = PreparedWeights()

    def device_name(self, device: int) -> str:
        return "host" if device < 0 else f"cpu:{device}"

    def expect(self, programs: Mapping[str, list[Step]]) -> None:
        """Take note of what need not be stored twice, and of what need not be computed twice."""
        self._inputs = shared_inputs(programs)
        self._weights.expect(programs, lambda step: written_positions(operation(step.operation)))

    def has(self, buffer: Buffer) -> bool:
        """Return True: all devices are this process's."""
        return True

    def unused(self, step: Step) -> set[int]:
        """Return the positions of the arguments that a step does not touch; they may be None."""
        return unused(step)

    def allocate(self, buffers: list[Buffer], minibatch: int) -> None:
        """Allocate all memory; raise DeviceError if the machine has less than that."""
        shared = {device: host for device, host in self._inputs.items() if host in buffers}
        own = [buffer for buffer in buffers if buffer not in shared]
        total = sum(buffer.bytes(minibatch, self.real.itemsize) for buffer in own)
        refuse_beyond_memory(total, minibatch)
        for buffer in own:
            self.memory[buffer] = aligned(buffer.values(minibatch), self._dtype(buffer))
        for device, host in shared.items():
            self.memory[device] = self.memory[host]

    def _dtype(self, buffer):
        return self.real if buffer.dtype == "real" else np.dtype(buffer.dtype)

    def array(self, view: View, cases: int) -> np.ndarray:
        """Return the view's values for a minibatch of `cases`, in the buffer's memory."""
        shape = view.shape(cases)
        per_row = cases if view.buffer.per_case else 1
        start = view.start * per_row
        return self.memory[view.buffer][start : start + view.size * per_row].reshape(shape)

    def read(self, view: View, cases: int) -> np.ndarray:
        """Return a copy of the view's values."""
        return self.array(view, cases).copy()

    def write(self, view: View, cases: int, values: ArrayLike) -> None:
        """Set the view's values; `values` broadcasts to its shape."""
        self.array(view, cases)[...] = values
        self._weights.changed(view.buffer)

    def fill(self, view: View, cases: int, values: ArrayLike) -> None:
        """Set the data of the next minibatch."""
        self.write(view, cases, values)

    def swap(self) -> None:
        """The minibatch that was filled in last is the one to run from now on."""

    def port(self, view: View, cases: int, half: bool) -> Port:
        """Return a view as bytes to send or receive; half: rounded to 16-bit floats."""
        array = self.array(view, cases)
        return HalfPort(array) if half else Port(array)

    def program(self, steps: list[Step], sizes: tuple[int, ...]) -> "Program":
        """Bind steps to this engine's memory; sizes: the cases of each microbatch.

        Steps on empty microbatches are left out.
        """
        reserved = self._reserved(steps, sizes)
        return Program(_compiled([self._bind(step, cases) for step, cases in reserved]))

    def compile(self, steps: list[Step], sizes: tuple[int, ...]) -> None:
        """Compile the kernels of steps, unless they are on disk; no kernel runs.

        What functions that are not repeatable compute besides is of no use: memory holds anything.
        """
        calls: list[Callable] = []
        for step, cases in self._reserved(steps, sizes):
            function, arguments, options, threads = self._call(step, cases)
            with limit_threads(threads), np.errstate(all="ignore"):
                calls += captured(function, *arguments, **options)
        compiled(calls)

    def _reserved(self, steps, sizes):
        """The steps to run, each with its cases, once there is scratch memory for all of them."""
        found = [(step, sizes[step.microbatch or 0]) for step in steps]
        found = [(step, cases) for step, cases in found if cases or step.microbatch is None]
        for step, cases in found:  # before any is bound: a device's steps share its largest scratch
            self._reserve(step, cases)
        return found

    def parts(
        self, parts: list[list[Step]], sizes: tuple[int, ...], *, by_step: bool
    ) -> list[list["Program"]]:
        """Bind the parts of a program all at once; return the programs of each.

        by_step: one for each step; else one.  No step may be on an empty microbatch.
        """
        whole, found, start = self.program([s for part in parts for s in part], sizes), [], 0
        for part in parts:
            end = start + len(part)
            cuts = range(start, end) if by_step else [start]
            found.append([whole.part(cut, cut + 1 if by_step else end) for cut in cuts])
            start = end
        return found

    def _arguments(self, step, cases):
        return [self.array(a, cases) if isinstance(a, View) else a for a in step.arguments]

    def _reserve(self, step, cases):
        """Grow the device's scratch memory to what the step needs."""
        size = operation(step.operation).scratch_size
        needed = size(*self._arguments(step, cases)) if size else 0
        known = self.scratch.get(step.device)
        if size and (known is None or known.size < needed):
            self.scratch[step.device] = aligned(needed, np.dtype(np.uint8))

    def _bind(self, step, cases) -> "Bound":
        function, arguments, options, threads = self._call(step, cases)
        if self._is_in_place(step):
            return Bound(step, threads, [])
        prepared = self._weights.of(step, function, arguments)
        if prepared is not None:
            options["prepared"] = prepared.memory
        with limit_threads(threads):
            calls = bind(function, *arguments, **options)
        return Bound(step, threads, calls, prepared, preparing_calls(calls))

    def _is_in_place(self, step):
        """Whether a step copies an input of the host to where it is (`shared_inputs`)."""
        if step.operation != transfer.copy.name:
            return False
        source, target = step.views()
        return self.memory[target.buffer] is self.memory[source.buffer]

    def _call(self, step, cases):
        """The function of a step, its arguments and options, and the number of its threads."""
        function = operation(step.operation)
        options = {"scratch": self.scratch[step.device]} if function.scratch_size else {}
        return function, self._arguments(step, cases), options, self._threads(step, cases)

    def _threads(self, step, cases):
        """How many threads run a step: one if it is small, since waking others takes longer."""
        size = sum(
            prod(view.shape(cases)) * self._dtype(view.buffer).itemsize for view in step.views()
        )
        return 1 if size < SMALL_STEP else get_num_threads()

    def synchronize(self) -> None:
        """Do nothing: calls return when they are done."""

    def times(self) -> "Times":
        return Times()


class Times:
    """Collects the times at which steps ran."""

    def __init__(self):
        self._spans: list[Span] = []

    def add(self, step: Step, start: float, end: float) -> None:
        """Add a step's start and end, in seconds from any origin."""
        device = "host" if step.device < 0 else f"cpu:{step.device}"
        self._spans.append(Span(step, device, "compute", start * 1e6, (end - start) * 1e6))

    def spans(self) -> list[Span]:
        return self._spans


@dataclass(frozen=True)
class Bound:
    """A step bound to arrays: the calls that do its work, and the number of threads they use.

    prepared: the weights in the form that the first calls, `preparing` of them, bring them into.
    """

    step: Step
    threads: int
    calls: list[Callable]
    prepared: Prepared | None = None
    preparing: int = 0

    def run(self) -> None:
        """Run the calls, but for those whose results are there already."""
        prepared = self.prepared
        done = self.preparing if prepared is not None and prepared.is_current() else 0
        for call in self.calls[done:] if done else self.calls:
            call()
        if prepared is not None:
            prepared.be_current()


def _compiled(bound: list[Bound]) -> list[Bound]:
    """Return the steps with their kernels compiled, all at once, so that it is known how many."""
    calls = iter(compiled([call for each in bound for call in each.calls]))
    return [replace(each, calls=list(islice(calls, len(each.calls)))) for each in bound]


class Program:
    """Bound steps, which run one after the other.  Running allocates no memory."""

    def __init__(self, bound: list[Bound]):
        self.bound = bound
        self._runs = _by_threads(bound)

    def part(self, start: int, end: int) -> "Program":
        """Return a program of some of the steps."""
        return Program(self.bound[start:end])

    def run(self) -> None:
        """Run all steps."""
        before = current = get_num_threads()
        try:
            for threads, calls in self._runs:
                if threads != current:
                    current = threads
                    set_num_threads(threads)
                for call in calls:
                    call()
        finally:
            if current != before:
                set_num_threads(before)

    def timed(self, times: Times) -> None:
        """Run all steps, and add when each ran to `times`."""
        for bound in self.bound:
            with limit_threads(bound.threads):
                start = time.perf_counter()
                bound.run()
                times.add(bound.step, start, time.perf_counter())


def _by_threads(bound: list[Bound]) -> list[tuple[int, list[Callable]]]:
    """Return the calls of steps, those in a row on as many threads together.

    In a network of small layers, the steps themselves would take a noticeable part of the time.
    """
    found: list[tuple[int, list[Callable]]] = []
    for each in bound:
        if not found or found[-1][0] != each.threads:
            found.append((each.threads, []))
        found[-1][1].extend(each.calls if each.prepared is None else [each.run])
    return [(threads, calls) for threads, calls in found if calls]


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Within this context, kernels run on so many threads."""
    before = get_num_threads()
    set_num_threads(threads)
    try:
        yield
    finally:
        set_num_threads(before)


def operation(name: str) -> Callable:
    """Return the function that a step names, as "module.function"."""
    module, function = name.split(".")
    return getattr(import_module(f"convnet.backends.cpu.ops.{module}"), function)


def unused(step: Step) -> set[int]:
    """Return the positions of the arguments that a step does not touch."""
    return unused_positions(operation(step.operation), step.arguments)


def refuse_beyond_memory(needed: int, minibatch: int) -> None:
    """Raise DeviceError if the machine has less memory than `needed` bytes."""
    machine = machine_memory()
    if machine is not None and needed > machine:
        raise DeviceError(
            f"the network needs {needed / 1e9:.1f} GB at {minibatch} cases a minibatch; this "
            f"machine has {machine / 1e9:.1f} GB. Lower --minibatch, or the layers' sizes "
            "(`convnet describe` lists them)"
        )
