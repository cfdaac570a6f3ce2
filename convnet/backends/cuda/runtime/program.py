"""A program bound to memory: pieces of work on their streams, run plainly or as a CUDA graph."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import numpy as np

from convnet.backends.cuda.runtime.copy import Copy
from convnet.backends.cuda.runtime.double_buffer import SLOTS, Slot
from convnet.backends.cuda.runtime.launch import Array, Launch
from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, Piece, Stream
from convnet.backends.cuda.runtime.streams import Graph, can_capture, copying
from convnet.backends.cuda.runtime.timing import Times


class Program:
    """Work on all devices of a network, bound to the memory of every slot.

    The first run launches every kernel plainly, which compiles it; from the second run on the work
    of a slot is captured as a CUDA graph, once, and launched.  Both give the same bits.

    work(piece, slot): a piece's launches and copies.  turn(): a context, the slot that it runs on.
    origin: the stream where it begins and ends.
    """

    def __init__(
        self,
        engine,
        pieces: list[Piece],
        work: Callable[[Piece, Slot | None], list[Launch | Copy]],
        turn: Callable[[], AbstractContextManager[Slot]],
        origin: Stream,
        graphs: bool,
    ):
        self.steps = [piece.step for piece in pieces]
        self._engine, self._queues, self._pieces = engine, engine.queues, pieces
        self._turn, self._origin = turn, origin
        self._graphs = {} if graphs and can_capture() else None
        self._calls = [self._bound(piece, work) for piece in pieces]
        self._events = [self._queues.event(p.stream.device) if p.awaited else None for p in pieces]
        self.streams = sorted({piece.stream for piece in pieces} - {origin}, key=str)
        self._begun = self._queues.event(origin.device)
        self._joined = [self._queues.event(stream.device) for stream in self.streams]
        self._runs = 0

    def _bound(self, piece, work):
        """Its calls in each slot, which are the same where it touches no input."""
        varies = any(view.buffer.role == "inputs" for view in piece.step.views())
        if not varies:
            return [self._bind(piece, work(piece, None))] * SLOTS
        return [self._bind(piece, work(piece, slot)) for slot in self._engine.slots]

    def _bind(self, piece, items):
        stream, device = self._queues.stream(piece.stream), piece.step.device
        with self._queues.on(device):  # Numba cuts arrays in a context, or makes one on GPU 0
            return [_call(item, stream, device, self._engine.constant) for item in items]

    def run(self) -> None:
        """Queue the program; the host goes on at once."""
        with self._queues.on(self._origin.device), self._turn() as slot:
            graph = self._graph_of(slot)
            if graph is None:
                self.queue(slot)
            else:
                graph.launch()

    def timed(self, times: Times) -> None:
        """Run plainly, and take when each step runs."""
        with self._queues.on(self._origin.device), self._turn() as slot:
            self.queue(slot, times.around)

    def _graph_of(self, slot):
        self._runs += 1
        if self._graphs is None or self._runs < 2:
            return None
        if slot.number not in self._graphs:
            queue = partial(self.queue, slot)
            self._graphs[slot.number] = Graph(self._queues, self._origin, queue)
        return self._graphs[slot.number]

    @property
    def graph(self) -> Graph | None:
        """The one that a run would launch now."""
        return (self._graphs or {}).get(self._engine.slots.current.number)

    def queue(self, slot: Slot, around=None) -> None:
        """Every call on its stream.  around(piece, call): calls it, for those who take times."""
        self._queues.record(self._begun, self._origin)
        for stream in self.streams:
            self._queues.wait(self._begun, stream)
        self._upload_controls(slot)
        for number in range(len(self._pieces)):
            self._queue_piece(number, slot, around)
        for stream, event in zip(self.streams, self._joined, strict=True):
            self._queues.record(event, stream)
            self._queues.wait(event, self._origin)

    def _upload_controls(self, slot):
        """Rates and counters of random numbers, for all devices that have kernels here."""
        for stream in [self._origin, *self.streams]:
            controls = self._engine.controls.get(stream.device)
            if controls is not None and stream.kind == COMPUTE:
                with self._queues.on(stream.device):
                    controls.upload(slot.number, self._queues.stream(stream))

    def _queue_piece(self, number, slot, around):
        piece = self._pieces[number]
        for earlier in piece.waits:
            self._queues.wait(self._events[earlier], piece.stream)
        with self._queues.on(piece.stream.device):
            for call in self._calls[number][slot.number]:
                if around is None:
                    call()
                else:
                    around(piece, call)
        if piece.awaited:
            self._queues.record(self._events[number], piece.stream)


def _call(item: Launch | Copy, stream, device, constants):
    """What queues an item when called."""
    if isinstance(item, Copy):
        return copying(item.dst.on_device(), item.src.on_device(), stream)
    arguments = [_argument(a, device, constants) for a in item.arguments]
    return partial(item.kernel.configured(item.blocks, stream), *arguments)


def _argument(argument, device, constants):
    if isinstance(argument, Array):
        return argument.on_device()
    if isinstance(argument, np.ndarray):
        return constants(device, argument)
    return argument
