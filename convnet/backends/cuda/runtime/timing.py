"""Times of steps on GPUs, taken with events, for a trace."""

from collections.abc import Callable

from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, ScheduledStep, Stream
from convnet.backends.cuda.runtime.streams import Streams, milliseconds
from convnet.network.trace import Span


class Times:
    """Records events around calls.  Each GPU counts microseconds since this object was made."""

    def __init__(self, streams: Streams):
        self._streams = streams
        self._marks: list[tuple[ScheduledStep, object, object]] = []
        streams.synchronize()
        self._origins = {
            gpu: self._mark(Stream(device, COMPUTE)) for device, gpu in enumerate(streams.gpus)
        }

    def around(self, item: ScheduledStep, call: Callable[[], object]) -> None:
        """Call `call`, which enqueues work on the step's stream, between two events."""
        start = self._mark(item.stream)
        call()
        self._marks.append((item, start, self._mark(item.stream)))

    def spans(self) -> list[Span]:
        """Wait for all work; return its times in the order in which it was enqueued."""
        self._streams.synchronize()
        return [self._span(*mark) for mark in self._marks]

    def _mark(self, stream):
        event = self._streams.event(stream.device, timing=True)
        self._streams.record(event, stream)
        return event

    def _span(self, item, start, end):
        device = item.stream.device
        gpu = self._streams.gpus[device]
        with self._streams.on(device):
            since = milliseconds(self._origins[gpu], start) * 1e3
            duration = milliseconds(start, end) * 1e3
        place = f"device {device} on cuda:{gpu}"
        return Span(item.step, place, item.stream.kind, since, duration)
