"""A program bound to memory: launches and copies on their streams, also as a CUDA graph."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import numpy as np

from convnet.backends.cuda.runtime.copy import Copy
from convnet.backends.cuda.runtime.double_buffer import SLOTS, Slot
from convnet.backends.cuda.runtime.launch import Array, Launch
from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, ScheduledStep, Stream
from convnet.backends.cuda.runtime.streams import Graph, can_capture, copy_call
from convnet.backends.cuda.runtime.timing import Times
from convnet.progress import reported


class Program:
    """Work on all devices of a network, bound to the memory of every slot.

    The first run launches every kernel directly, which compiles it.  From the second run on the
    work is captured as a CUDA graph, once for each slot, and the graph is launched.  Both ways give
    the same bits.

    work(item, slot): the launches and copies of a step.  acquire(): a context of the slot to run
    on.  origin: the stream where the program begins and ends.
    """

    def __init__(
        self,
        engine,
        scheduled: list[ScheduledStep],
        work: Callable[[ScheduledStep, Slot | None], list[Launch | Copy]],
        acquire: Callable[[], AbstractContextManager[Slot]],
        origin: Stream,
        graphs: bool,
    ):
        self.steps = [item.step for item in scheduled]
        self._engine, self._streams, self._scheduled = engine, engine.streams, scheduled
        self._acquire, self._origin = acquire, origin
        self._graphs = {} if graphs and can_capture() else None
        self._calls = [self._bound(item, work) for item in scheduled]
        self._events = [
            self._streams.event(item.stream.device) if item.awaited else None for item in scheduled
        ]
        self._others = sorted({item.stream for item in scheduled} - {origin}, key=str)
        self._begun = self._streams.event(origin.device)
        self._joined = [self._streams.event(stream.device) for stream in self._others]
        self._runs = 0

    def _bound(self, item, work):
        """The step's calls for each slot, which are the same where it uses no input."""
        varies = any(view.buffer.role == "inputs" for view in item.step.views())
        if not varies:
            return [self._bind(item, work(item, None))] * SLOTS
        return [self._bind(item, work(item, slot)) for slot in self._engine.slots]

    def _bind(self, item, work):
        stream, device = self._streams.stream(item.stream), item.step.device
        with self._streams.on(device):  # Numba slices arrays in a context, or makes one on GPU 0
            return [_call(one, stream, device, self._engine.constant) for one in work]

    def run(self) -> None:
        """Enqueue the program; the host does not wait for it."""
        with self._streams.on(self._origin.device), self._acquire() as slot:
            graph = self._graph_of(slot)
            if graph is not None:
                graph.launch()
            elif self._runs == 1:
                self._first_run(slot)
            else:
                self.enqueue(slot)

    def _first_run(self, slot):
        """Enqueue the program for the first time, and report how many calls are made so far."""
        total = sum(len(calls[slot.number]) for calls in self._calls)
        with reported("compiling and starting the GPU's kernels", total) as report:

            def around(item, call):
                call()
                report.advance()

            self.enqueue(slot, around)

    def timed(self, times: Times) -> None:
        """Run without a graph, and record when each step runs."""
        with self._streams.on(self._origin.device), self._acquire() as slot:
            self.enqueue(slot, times.around)

    def _graph_of(self, slot):
        self._runs += 1
        if self._graphs is None or self._runs < 2:
            return None
        if slot.number not in self._graphs:
            enqueue = partial(self.enqueue, slot)
            self._graphs[slot.number] = Graph(self._streams, self._origin, enqueue)
        return self._graphs[slot.number]

    @property
    def graph(self) -> Graph | None:
        """The graph that a run would launch now; None before it is captured."""
        return (self._graphs or {}).get(self._engine.slots.current.number)

    def enqueue(self, slot: Slot, around: Callable | None = None) -> None:
        """Make every call on its stream.  around(item, call): makes the call, to take its time."""
        self._streams.record(self._begun, self._origin)
        for stream in self._others:
            self._streams.wait(self._begun, stream)
        self._upload_controls(slot)
        for number in range(len(self._scheduled)):
            self._enqueue_step(number, slot, around)
        for stream, event in zip(self._others, self._joined, strict=True):
            self._streams.record(event, stream)
            self._streams.wait(event, self._origin)

    def _upload_controls(self, slot):
        """Rates and counters of random numbers, for all devices that have kernels here."""
        for stream in [self._origin, *self._others]:
            controls = self._engine.controls.get(stream.device)
            if controls is not None and stream.kind == COMPUTE:
                with self._streams.on(stream.device):
                    controls.upload(slot.number, self._streams.stream(stream))

    def _enqueue_step(self, number, slot, around):
        item = self._scheduled[number]
        for earlier in item.waits:
            self._streams.wait(self._events[earlier], item.stream)
        with self._streams.on(item.stream.device):
            for call in self._calls[number][slot.number]:
                if around is None:
                    call()
                else:
                    around(item, call)
        if item.awaited:
            self._streams.record(self._events[number], item.stream)


def _call(work: Launch | Copy, stream, device, constants):
    """Return a function that enqueues a launch or copy."""
    if isinstance(work, Copy):
        return copy_call(work.dst.on_device(), work.src.on_device(), stream)
    arguments = [_argument(a, device, constants) for a in work.arguments]
    return partial(work.kernel.configured(work.blocks, stream), *arguments)


def _argument(argument, device, constants):
    if isinstance(argument, Array):
        return argument.on_device()
    if isinstance(argument, np.ndarray):
        return constants(device, argument)
    return argument
