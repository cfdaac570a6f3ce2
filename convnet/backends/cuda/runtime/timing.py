"""When pieces of work ran on GPUs, taken with events: a trace."""

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, Piece, Stream
from convnet.backends.cuda.runtime.streams import Queues, milliseconds
from convnet.network.trace import Span


class Times:
    """Records events around calls.  Each GPU counts from when this was made, in microseconds."""

    def __init__(self, queues: Queues):
        self._queues = queues
        self._marks: list[tuple[Piece, object, object]] = []
        queues.synchronize()
        self._origins = {
            gpu: self._mark(Stream(device, COMPUTE)) for device, gpu in enumerate(queues.gpus)
        }

    def around(self, piece: Piece, call) -> None:
        """Call it, which queues work on the piece's stream."""
        start = self._mark(piece.stream)
        call()
        self._marks.append((piece, start, self._mark(piece.stream)))

    def spans(self) -> list[Span]:
        """In the order in which the work was queued, when all of it is done."""
        self._queues.synchronize()
        return [self._span(*mark) for mark in self._marks]

    def _mark(self, stream):
        event = self._queues.event(stream.device, timing=True)
        self._queues.record(event, stream)
        return event

    def _span(self, piece, start, end):
        device = piece.stream.device
        gpu = self._queues.gpus[device]
        with self._queues.on(device):
            since = milliseconds(self._origins[gpu], start) * 1e3
            duration = milliseconds(start, end) * 1e3
        place = f"device {device} on cuda:{gpu}"
        return Span(piece.step, place, piece.stream.kind, since, duration)
