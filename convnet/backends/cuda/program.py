"""A program bound to memory: pieces of work on their streams, run plainly or as a CUDA graph."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from convnet.network.trace import Span

from .launch import Array, Launch
from .order import COMPUTE, Piece
from .queues import Graph, can_capture, milliseconds, origin_of
from .transfer import Copy


@dataclass
class _Bound:
    """A piece with its calls, and the event that others wait for."""

    piece: Piece
    calls: list
    event: object = None


class Program:
    """Work on all devices of a network.

    The first run launches every kernel plainly, which compiles it; the second one is captured as a
    CUDA graph, and from then on the graph is launched.  Both give the same bits.
    """

    def __init__(self, engine, pieces: list[tuple[Piece, list]]):
        self.steps = [piece.step for piece, _ in pieces]
        self._engine, self._queues = engine, engine.queues
        self.bound = [self._bind(piece, work, engine.constant) for piece, work in pieces]
        self.streams = sorted({piece.stream for piece, _ in pieces}, key=str)
        self.origin = origin_of([stream.device for stream in self.streams])
        self._begun = engine.queues.event(self.origin.device)
        self._joined = {s: engine.queues.event(s.device) for s in self.streams if s != self.origin}
        self._graphs, self._graph, self._runs = engine.graphs and can_capture(), None, 0

    def _bind(self, piece, work, constants):
        stream = self._queues.stream(piece.stream)
        calls = [_call(item, stream, piece.step.device, constants) for item in work]
        event = self._queues.event(piece.stream.device) if piece.awaited else None
        return _Bound(piece, calls, event)

    def run(self) -> None:
        """Queue the program; the host goes on at once."""
        self._engine.works()
        self._runs += 1
        if self._graphs and self._runs == 2:
            self._graph = Graph(self._queues, self.origin, self.queue)
        if self._graph is None:
            self.queue()
        else:
            self._graph.launch()

    def timed(self) -> list[Span]:
        """Run plainly, and say when each step ran; GPUs have no common origin of times."""
        self._engine.works()
        marks: list[tuple[Piece, object, object]] = []
        origins = {stream: self._mark(stream) for stream in self.streams[::-1]}
        first = {stream.device: origins[stream] for stream in self.streams}

        def around(piece, call):
            start = self._mark(piece.stream)
            call()
            marks.append((piece, start, self._mark(piece.stream)))

        self.queue(around)
        self._engine.synchronize()
        return [self._span(*mark, first) for mark in marks]

    def _mark(self, stream):
        event = self._queues.event(stream.device, timing=True)
        self._queues.record(event, stream)
        return event

    def _span(self, piece, start, end, first):
        device = piece.stream.device
        with self._queues.on(device):
            since = milliseconds(first[device], start) * 1e3
            duration = milliseconds(start, end) * 1e3
        place = f"device {device} on cuda:{self._queues.gpus[device]}"
        return Span(piece.step, place, piece.stream.kind, since, duration)

    def queue(self, around=None) -> None:
        """Every call on its stream.  around(piece, call): calls it, for those who take times."""
        self._queues.record(self._begun, self.origin)
        for stream in self._joined:
            self._queues.wait(self._begun, stream)
        self._upload_controls()
        for bound in self.bound:
            self._queue_piece(bound, around)
        for stream, event in self._joined.items():
            self._queues.record(event, stream)
            self._queues.wait(event, self.origin)

    def _upload_controls(self):
        """Rates and counters of random numbers, for all devices that have kernels here."""
        for stream in self.streams:
            controls = self._engine.controls.get(stream.device)
            if controls is not None and stream.kind == COMPUTE:
                with self._queues.on(stream.device):
                    controls.upload(self._queues.stream(stream))

    def _queue_piece(self, bound, around):
        piece = bound.piece
        for number in piece.waits:
            self._queues.wait(self.bound[number].event, piece.stream)
        with self._queues.on(piece.stream.device):
            for call in bound.calls:
                if around is None:
                    call()
                else:
                    around(piece, call)
        if bound.event is not None:
            self._queues.record(bound.event, piece.stream)


def _call(item: Launch | Copy, stream, device, constants):
    """What queues an item when called."""
    if isinstance(item, Copy):
        return partial(item.dst.on_device().copy_to_device, item.src.on_device(), stream=stream)
    arguments = [_argument(a, device, constants) for a in item.arguments]
    return partial(item.kernel.configured(item.blocks, stream), *arguments)


def _argument(argument, device, constants):
    if isinstance(argument, Array):
        return argument.on_device()
    if isinstance(argument, np.ndarray):
        return constants(device, argument)
    return argument
